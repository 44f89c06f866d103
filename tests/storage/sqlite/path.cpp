#define CAF_SUITE storage.sqlite_path
#include "storage/sqlite/connection.hpp"
#include "storage/sqlite/store.hpp"
#include "tests/storage/job_samples.hpp"
#include "tests/storage/scratch_directory.hpp"
#include "tests/storage/sqlite/usual_options.hpp"

#include <caf/test/unit_test.hpp>
#include <sqlite3.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <string>
#include <unistd.h>

using namespace beckon::storage;
using namespace beckon::storage::test;

namespace {

struct fixture {
  scratch_directory scratch;
  sqlite_options options = usual_options(scratch.file("beckon.db"));

  store_ptr open() {
    auto store = open_sqlite(options);
    if (!store)
      CAF_FAIL(describe(store.error()));
    return std::move(*store);
  }

  std::string away() const { return options.path + ".away"; }
};

/// A write of the session must fail for good, and name the reason.
void check_lost(session& writer, const std::string& path) {
  auto outcomes = writer.write({claim("bob", 0)});
  CAF_REQUIRE(!outcomes);
  CAF_CHECK(code_of(outcomes.error()) == errc::io_failed);
  CAF_CHECK(describe(outcomes.error()).find(path + ": was removed or replaced") != std::string::npos);
}

errc mapped(int code, int error_number) {
  return code_of(sqlite::to_error(code, "place", "message", error_number));
}

// -- a disk that is full for the shared index of the WAL alone -------------------------------------

bool is_shared_index(int fd) {
  char name[4096];
  auto size = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), name, sizeof name);
  std::string path{name, size > 0 ? static_cast<size_t>(size) : 0};
  return path.size() > 4 && path.compare(path.size() - 4, 4, "-shm") == 0;
}

ssize_t refuse_or_write(int fd, const void* bytes, size_t size) {
  if (!is_shared_index(fd))
    return ::write(fd, bytes, size);
  errno = ENOSPC;
  return -1;
}

ssize_t refuse_or_pwrite(int fd, const void* bytes, size_t size, off_t at) {
  if (!is_shared_index(fd))
    return ::pwrite(fd, bytes, size, at);
  errno = ENOSPC;
  return -1;
}

/// While it lives, SQLite writes to files through the functions above.
class full_shared_index {
 public:
  full_shared_index() {
    set("write", reinterpret_cast<sqlite3_syscall_ptr>(&refuse_or_write));
    set("pwrite", reinterpret_cast<sqlite3_syscall_ptr>(&refuse_or_pwrite));
    set("pwrite64", reinterpret_cast<sqlite3_syscall_ptr>(&refuse_or_pwrite));
  }
  ~full_shared_index() {
    for (const char* name : {"write", "pwrite", "pwrite64"})
      set(name, nullptr);
  }
  full_shared_index(const full_shared_index&) = delete;
  full_shared_index& operator=(const full_shared_index&) = delete;

 private:
  static void set(const char* name, sqlite3_syscall_ptr function) {
    auto* vfs = sqlite3_vfs_find(nullptr);
    vfs->xSetSystemCall(vfs, name, function);
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(sqlite_path_tests, fixture)

CAF_TEST(nothing is confirmed once the file is removed) {
  auto store = open();
  auto writer = std::move(*store->open_writer());
  auto reader = std::move(*store->open_reader());
  CAF_REQUIRE(writer->write({claim("ann", 0)}));
  std::filesystem::rename(options.path, away());
  check_lost(*writer, options.path);
  CAF_CHECK(code_of(writer->ping()) == errc::io_failed);
  CAF_MESSAGE("nobody knows what happened to the file meanwhile: it stays so, and reads go on");
  std::filesystem::rename(away(), options.path);
  check_lost(*writer, options.path);
  auto rows = reader->load_users({"ann", "bob"});
  CAF_REQUIRE(rows);
  CAF_CHECK(!rows->at(0).state.empty() && rows->at(1).state.empty());
  writer.reset();
  reader.reset();
  store.reset();
  writer = std::move(*open()->open_writer());
  CAF_CHECK(writer->write({claim("bob", 0)}));
}

CAF_TEST(a ping finds that the file was replaced) {
  auto store = open();
  auto writer = std::move(*store->open_writer());
  CAF_CHECK(!writer->ping());
  std::filesystem::rename(options.path, away());
  std::filesystem::copy_file(away(), options.path);
  CAF_CHECK(code_of(writer->ping()) == errc::io_failed);
  check_lost(*writer, options.path);
}

CAF_TEST(a removed directory is found as well) {
  options.path = scratch.file("data/beckon.db");
  std::filesystem::create_directory(scratch.file("data"));
  auto store = open();
  auto writer = std::move(*store->open_writer());
  std::filesystem::remove_all(scratch.file("data"));
  check_lost(*writer, options.path);
}

CAF_TEST(an error for want of space is one of space) {
  CAF_CHECK(mapped(SQLITE_IOERR_SHMSIZE, ENOSPC) == errc::disk_full);
  CAF_CHECK(mapped(SQLITE_IOERR_WRITE, EDQUOT) == errc::disk_full);
  CAF_CHECK(mapped(SQLITE_IOERR_WRITE, EIO) == errc::io_failed);
  CAF_CHECK(mapped(SQLITE_IOERR_FSYNC, ENOSPC) == errc::io_failed); // what reached the disk is not known
  CAF_CHECK(mapped(SQLITE_CORRUPT, ENOSPC) == errc::corrupt);
}

CAF_TEST(no room for the shared index of the log is a full disk) {
  open().reset();
  {
    full_shared_index full;
    auto store = open_sqlite(options);
    CAF_REQUIRE(!store);
    CAF_CHECK(code_of(store.error()) == errc::disk_full);
    CAF_CHECK(describe(store.error()).find("disk is full: free space") != std::string::npos);
  }
  auto writer = std::move(*open()->open_writer());
  CAF_CHECK(writer->write({claim("ann", 0)}));
}

CAF_TEST_FIXTURE_SCOPE_END()
