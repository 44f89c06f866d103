#include "storage/sqlite_file.hpp"

#include "storage/sqlite_migrations.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
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

/// 0 when there is none.
int64_t size_of(const std::string& path) {
  struct stat s {};
  if (::stat(path.c_str(), &s) != 0) {
    if (errno == ENOENT)
      return 0;
    fail(errc::bad_options, path + ": cannot be looked at: " + reason_of(errno));
  }
  if (!S_ISREG(s.st_mode))
    fail(errc::bad_options, path + ": is no file; name a file for the database");
  return s.st_size;
}

void sync_directory(const std::string& path) {
  auto name = directory_of(path);
  descriptor d{::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (d.get() < 0 || ::fsync(d.get()) != 0)
    fail(errc::io_failed, name + ": cannot sync the directory: " + reason_of(errno));
}

/// The start of a database file: its header (100 bytes), then the head of the tree of tables.
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
  /// A leaf page without cells: nothing was ever put into this database.
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

[[noreturn]] void refuse_newer(const std::string& path, int64_t version) {
  fail(errc::schema_newer, path + ": has schema version " + std::to_string(version) + ", this program knows "
                               + std::to_string(schema_version())
                               + "; start the newer program, or put back a copy made before it ran");
}

/// Reads the bytes rather than asking SQLite, which might roll back or recover what is not ours.
void refuse_foreign(const std::string& path) {
  auto head = read_head(path);
  if (!head.is_database())
    fail(errc::corrupt, path + ": is no SQLite database; name another file, or move this one away");
  if (head.is_empty() && size_of(path + "-wal") == 0 && size_of(path + "-journal") == 0)
    return;
  if (head.application() != application_id)
    fail(errc::bad_options, path + ": is another program's database (application id "
                                + std::to_string(head.application()) + "); name another file for this one");
  if (head.user_version() > schema_version())
    refuse_newer(path, head.user_version());
}

void limit_pages(connection& db, const sqlite_options& options) {
  if (options.pages_max > 0)
    db.integer("PRAGMA max_page_count = " + std::to_string(options.pages_max));
}

/// The journal mode is kept in the file, so the database is in WAL mode from its first moment at the path.
void build(const std::string& path, const sqlite_options& options) {
  connection db{path, access::create, options.busy_timeout_ms};
  limit_pages(db, options);
  db.use_wal();
  db.execute("PRAGMA synchronous = FULL");
  migrate(db);
  db.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

void create(const sqlite_options& options) {
  const auto& path = options.path;
  for (const char* left : {"-wal", "-journal"})
    if (size_of(path + left) > 0)
      fail(errc::bad_options, path + left
                                  + ": is left over, but its database is gone; put the database back, or "
                                    "move this file away");
  auto fresh = path + ".new";
  for (const char* end : {"", "-wal", "-shm", "-journal"})
    if (::unlink((fresh + end).c_str()) != 0 && errno != ENOENT)
      fail(errc::bad_options, fresh + end + ": cannot be removed: " + reason_of(errno));
  build(fresh, options);
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
                                + "; make the directory, and let this user write there");
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0)
    return;
  auto error_number = errno;
  ::close(descriptor_);
  if (error_number == EWOULDBLOCK)
    fail(errc::unavailable,
         path
             + ": another process has this database open; stop it, or give this one a data "
               "directory of its own");
  fail(errc::bad_options, path + ": cannot be locked: " + reason_of(error_number));
}

file_lock::~file_lock() {
  ::close(descriptor_);
}

// -- opening --------------------------------------------------------------------------------------

void ensure_database(const sqlite_options& options) {
  if (size_of(options.path) == 0)
    create(options);
  else
    refuse_foreign(options.path);
}

connection open_migrated(const sqlite_options& options) {
  connection db{options.path, access::read_write, options.busy_timeout_ms};
  // The header in the file may be older than what the WAL says.
  auto version = db.integer("PRAGMA user_version");
  if (version > schema_version()) {
    db.leave_untouched_on_close();
    refuse_newer(options.path, version);
  }
  limit_pages(db, options);
  db.use_wal();
  db.execute("PRAGMA synchronous = FULL");
  db.execute("PRAGMA wal_autocheckpoint = 0");
  db.execute("PRAGMA journal_size_limit = " + std::to_string(options.wal_checkpoint_pages * 4 * 4096));
  db.execute("PRAGMA cache_size = -" + std::to_string(options.cache_kib));
  migrate(db);
  return db;
}

} // namespace beckon::storage::sqlite
