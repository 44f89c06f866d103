#pragma once

#include "storage/sqlite/connection.hpp"
#include "storage/sqlite/migrations.hpp"
#include "storage/sqlite/store.hpp"

#include <string>
#include <sys/types.h>

/// The database as a file: who owns it, whether it is ours, how it is created.
namespace beckon::storage::sqlite {

/// An exclusive lock on `<path>.lock`, so that one process at a time owns the database; the writer relies on
/// it. The kernel releases it when the process ends in any way; the file stays. It holds the id of the owning
/// process, for the text of a refusal.
class file_lock {
 public:
  /// Throws failure: unavailable if another process has it, bad_options if the lock file cannot be created.
  explicit file_lock(const std::string& database_path);
  ~file_lock();
  file_lock(const file_lock&) = delete;
  file_lock& operator=(const file_lock&) = delete;

 private:
  int descriptor_ = -1;
};

/// The identity of the file at a path, to check later whether it is still there. A deleted or replaced
/// database still accepts commits, into a file that nobody will find again.
class file_identity {
 public:
  /// Throws failure if there is none.
  explicit file_identity(const std::string& path);
  /// Throws failure: io_failed if the path names no file or another one, unavailable if it cannot be checked.
  /// One stat(2).
  void check() const;

 private:
  const std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

/// Makes sure that the path has a database of this kind. Throws failure, before changing anything, if the
/// file is not a database (corrupt), belongs to another program (bad_options) or has a newer schema
/// (schema_newer). Creation is atomic: a complete database is created beside the path, synced, renamed, and
/// the directory synced. Requires the file_lock.
void ensure_database(const sqlite_options& options, const schema& kind);

/// Opens the writing connection and upgrades the schema. Throws failure.
connection open_migrated(const sqlite_options& options, const schema& kind);

} // namespace beckon::storage::sqlite
