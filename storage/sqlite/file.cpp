#include "storage/sqlite/file.hpp"

#include "storage/sqlite/migrations.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace beckon::storage::sqlite {

namespace {

[[noreturn]] void fail(errc code, const std::string& text) {
  throw failure(make_error(code, text));
}

std::string reason_of(int error_number) {
  return std::generic_category().message(error_number);
}

class descriptor {
 public:
  explicit descriptor(int fd) : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string directory_of(const std::string& path) {
  auto slash = path.find_last_of('/');
  if (slash == std::string::npos)
    return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// The owner's id only helps people: if it cannot be written (a full disk), the lock still works.
void note_owner(int lock_file, const std::string& process_id) {
  if (::ftruncate(lock_file, 0) == 0) [[maybe_unused]]
    auto written = ::pwrite(lock_file, process_id.data(), process_id.size(), 0);
}

std::string owner_of(int lock_file) {
  std::array<char, 20> text{};
  auto got = ::pread(lock_file, text.data(), text.size(), 0);
  std::string_view id{text.data(), got > 0 ? static_cast<size_t>(got) : 0};
  if (id.empty() || id.find_first_not_of("0123456789") != std::string_view::npos)
    return "another process";
  return "process " + std::string{id};
}

/// 0 if there is none.
int64_t size_of(const std::string& path) {
  struct stat s {};
  if (::stat(path.c_str(), &s) != 0) {
    if (errno == ENOENT)
      return 0;
    fail(errc::bad_options, path + ": cannot be checked: " + reason_of(errno));
  }
  if (!S_ISREG(s.st_mode))
    fail(errc::bad_options, path + ": is not a file; name a file for the database");
  return s.st_size;
}

void sync_directory(const std::string& path) {
  auto name = directory_of(path);
  descriptor d{::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (d.get() < 0 || ::fsync(d.get()) != 0)
    fail(errc::io_failed, name + ": cannot sync the directory: " + reason_of(errno));
}

/// The start of a database file: its header (100 bytes), then the head of the table tree.
struct file_head {
  std::array<unsigned char, 108> bytes{};
  size_t size = 0;

  int64_t number(size_t at) const {
    return static_cast<int64_t>(bytes[at]) << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
  }
  bool is_database() const {
    return size == bytes.size() && memcmp(bytes.data(), "SQLite format 3", 16) == 0;
  }
  int64_t user_version() const { return number(60); }
  int64_t application() const { return number(68); }
  /// A leaf page without cells: the database was never used.
  bool is_empty() const {
    return application() == 0 && bytes[100] == 0x0d && bytes[103] == 0 && bytes[104] == 0;
  }
};

file_head read_head(const std::string& path) {
  descriptor d{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (d.get() < 0)
    fail(errc::bad_options, path + ": cannot be read: " + reason_of(errno));
  file_head head;
  auto got = ::pread(d.get(), head.bytes.data(), head.bytes.size(), 0);
  if (got < 0)
    fail(errc::io_failed, path + ": cannot be read: " + reason_of(errno));
  head.size = static_cast<size_t>(got);
  return head;
}

[[noreturn]] void refuse_newer(const std::string& path, int64_t version, const schema& kind) {
  fail(errc::schema_newer, path + ": has schema version " + std::to_string(version) + ", this program knows "
                               + std::to_string(kind.version)
                               + "; start the newer program, or restore a backup made before it ran");
}

/// Reads the bytes instead of asking SQLite, which might roll back or recover a file that is not ours.
void refuse_foreign(const std::string& path, const schema& kind) {
  auto head = read_head(path);
  if (!head.is_database())
    fail(errc::corrupt, path + ": is not an SQLite database; name another file, or move this one away");
  if (head.is_empty() && size_of(path + "-wal") == 0 && size_of(path + "-journal") == 0)
    return;
  if (head.application() != kind.application_id)
    fail(errc::bad_options, path + ": is another program's database (application id "
                                + std::to_string(head.application()) + "); name another file for this one");
  if (head.user_version() > kind.version)
    refuse_newer(path, head.user_version(), kind);
}

void limit_pages(connection& db, const sqlite_options& options) {
  if (options.pages_max > 0)
    db.integer("PRAGMA max_page_count = " + std::to_string(options.pages_max));
}

/// The file stores the journal mode, so the database is in WAL mode as soon as it is at its path.
void build(const std::string& path, const sqlite_options& options, const schema& kind) {
  connection db{path, access::create, options.busy_timeout_ms};
  limit_pages(db, options);
  db.use_wal();
  db.execute("PRAGMA synchronous = FULL");
  migrate(db, kind);
  db.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

void create(const sqlite_options& options, const schema& kind) {
  const auto& path = options.path;
  for (const char* left : {"-wal", "-journal"})
    if (size_of(path + left) > 0)
      fail(errc::bad_options, path + left
                                  + ": is left over, but its database is gone; restore the database, or "
                                    "move this file away");
  auto fresh = path + ".new";
  for (const char* end : {"", "-wal", "-shm", "-journal"})
    if (::unlink((fresh + end).c_str()) != 0 && errno != ENOENT)
      fail(errc::bad_options, fresh + end + ": cannot be removed: " + reason_of(errno));
  build(fresh, options, kind);
  if (::rename(fresh.c_str(), path.c_str()) != 0)
    fail(errc::bad_options, fresh + ": cannot be renamed to " + path + ": " + reason_of(errno));
  sync_directory(path);
}

} // namespace

// -- file_lock ------------------------------------------------------------------------------------

file_lock::file_lock(const std::string& database_path) {
  auto path = database_path + ".lock";
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (descriptor_ < 0)
    fail(errc::bad_options, path + ": cannot be made: " + reason_of(errno)
                                + "; create the directory, and let this user write there");
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) {
    note_owner(descriptor_, std::to_string(::getpid()));
    return;
  }
  auto error_number = errno;
  auto owner = owner_of(descriptor_);
  ::close(descriptor_);
  if (error_number == EWOULDBLOCK)
    fail(errc::unavailable, path + ": " + owner
                                + " has this database open; stop it, or give this one a data directory of "
                                  "its own");
  fail(errc::bad_options, path + ": cannot be locked: " + reason_of(error_number));
}

file_lock::~file_lock() {
  note_owner(descriptor_, "");
  ::close(descriptor_);
}

// -- file_identity --------------------------------------------------------------------------------

file_identity::file_identity(const std::string& path) : path_(path) {
  struct stat s {};
  if (::stat(path_.c_str(), &s) != 0)
    fail(errc::bad_options, path_ + ": cannot be checked: " + reason_of(errno));
  device_ = s.st_dev;
  inode_ = s.st_ino;
}

void file_identity::check() const {
  struct stat s {};
  bool gone = ::stat(path_.c_str(), &s) != 0;
  if (gone && errno != ENOENT && errno != ENOTDIR)
    fail(errc::unavailable, path_ + ": cannot be checked: " + reason_of(errno)
                                + "; let this user enter its directory; nothing was changed");
  if (gone || s.st_dev != device_ || s.st_ino != inode_)
    fail(errc::io_failed, path_
                              + ": was removed or replaced while this node runs; further writes would "
                                "be lost: stop the node, put the right file there, start again");
}

// -- opening --------------------------------------------------------------------------------------

void ensure_database(const sqlite_options& options, const schema& kind) {
  if (size_of(options.path) == 0)
    create(options, kind);
  else
    refuse_foreign(options.path, kind);
}

connection open_migrated(const sqlite_options& options, const schema& kind) {
  connection db{options.path, access::read_write, options.busy_timeout_ms};
  // The header in the file may be older than the WAL.
  auto version = db.integer("PRAGMA user_version");
  if (version > kind.version) {
    db.leave_untouched_on_close();
    refuse_newer(options.path, version, kind);
  }
  limit_pages(db, options);
  db.use_wal();
  db.execute("PRAGMA synchronous = FULL");
  db.execute("PRAGMA wal_autocheckpoint = 0");
  db.execute("PRAGMA journal_size_limit = " + std::to_string(options.wal_checkpoint_pages * 4 * 4096));
  db.execute("PRAGMA cache_size = -" + std::to_string(options.cache_kib));
  migrate(db, kind);
  return db;
}

} // namespace beckon::storage::sqlite
