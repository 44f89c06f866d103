#pragma once

#include "storage/sqlite/connection.hpp"
#include "storage/sqlite/migrations.hpp"
#include "storage/sqlite/store.hpp"

#include <string>
#include <sys/types.h>

/// The database file as a file: who owns it, whether it is ours, how it comes into being.
namespace beckon::storage::sqlite {

/// An exclusive lock on `<path>.lock`, so that one process at a time owns the database: the writer counts on
/// it. The kernel gives it back when the process ends in whatever way; the file stays. It holds the id of the
/// process that has the lock, for the text of a refusal.
class file_lock {
 public:
  /// Throws failure: unavailable when another has it, bad_options when the lock file cannot be made.
  explicit file_lock(const std::string& database_path);
  ~file_lock();
  file_lock(const file_lock&) = delete;
  file_lock& operator=(const file_lock&) = delete;

 private:
  int descriptor_ = -1;
};

/// The file that stands at a path now, to see later whether it still does. A database that was deleted or
/// replaced goes on taking commits, into a file that nobody will find again.
class file_identity {
 public:
  /// Throws failure when there is none.
  explicit file_identity(const std::string& path);
  /// Throws failure: io_failed when the path names no file or another one, unavailable when it cannot be
  /// looked at. One stat(2).
  void check() const;

 private:
  const std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

/// Makes sure that a database of this kind stands at the path. Throws failure, before anything was changed,
/// when what is there is no database (corrupt), somebody else's (bad_options) or of a newer schema
/// (schema_newer). Creating is atomic: a complete database is made beside the path, synced, renamed, and the
/// directory synced. Requires the file_lock.
void ensure_database(const sqlite_options& options, const schema& kind);

/// Opens the writing connection and brings the schema up to date. Throws failure.
connection open_migrated(const sqlite_options& options, const schema& kind);

} // namespace beckon::storage::sqlite
