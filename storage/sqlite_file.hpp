#pragma once

#include "storage/sqlite_connection.hpp"
#include "storage/sqlite_store.hpp"

#include <string>

/// The database file as a file: who owns it, whether it is ours, how it comes into being.
namespace beckon::storage::sqlite {

/// An exclusive lock on `<path>.lock`, so that one process at a time owns the database: the writer counts on
/// it. The kernel gives it back when the process ends in whatever way; the empty file stays.
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

/// Makes sure that a database of ours stands at the path. Throws failure, before anything was changed, when
/// what is there is no database (corrupt), somebody else's (bad_options) or of a newer schema (schema_newer).
/// Creating is atomic: a complete database is made beside the path, synced, renamed, and the directory
/// synced. Requires the file_lock.
void ensure_database(const sqlite_options& options);

/// Opens the writing connection and brings the schema up to date. Throws failure.
connection open_migrated(const sqlite_options& options);

} // namespace beckon::storage::sqlite
