#pragma once

#include "storage/store.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <string>

/// The room of SQLite: the store of a node that has no database server, and the outbox, both files in
/// node.data-dir. Here an event becomes durable when there is an outbox.
namespace beckon::storage {

/// Times, cache and WAL come from keys of [sqlite], where their defaults stand.
struct sqlite_options {
  std::string path;                 // the database file; its directory must exist
  int64_t busy_timeout_ms = 0;      // wait for another connection's lock, then errc::unavailable
  int64_t cache_kib = 0;            // page cache of the writing connection
  int64_t wal_checkpoint_pages = 0; // pages in the WAL that start a checkpoint
  int64_t pages_max = 0;            // pages of 4 KiB the file may grow to, then errc::disk_full; 0: no limit
};

/// Opens (creating if absent) the embedded store: WAL, synchronous=FULL, directory synced on create,
/// migrated. Refused and left untouched: a file that is no SQLite database (corrupt), another program's
/// (bad_options), or of a newer schema (schema_newer). A file that another process has open is unavailable
/// (`<path>.lock`). After io_failed in a write every later write fails with it until the process starts anew;
/// reads go on; so it is after the file was removed or replaced at its path. A program that keeps a read
/// transaction open stops no write: the WAL grows, and warning() says so. All writing sessions share one
/// connection and take turns, so a second one gives no more speed. One node owns all of it: writes that name
/// an owner (storage::fence) are rejected, and there is no open_cluster().
caf::expected<store_ptr> open_sqlite(const sqlite_options& options);

} // namespace beckon::storage
