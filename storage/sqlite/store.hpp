#pragma once

#include "storage/store.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <string>

/// The room of SQLite: the store of a node without a database server, and the outbox, both files in
/// node.data-dir. With an outbox, events become durable here.
namespace beckon::storage {

/// Times, cache and WAL come from keys of [sqlite], where their defaults stand.
struct sqlite_options {
  std::string path;                 // the database file; its directory must exist
  int64_t busy_timeout_ms = 0;      // wait for another connection's lock, then errc::unavailable
  int64_t cache_kib = 0;            // page cache of the writing connection
  int64_t wal_checkpoint_pages = 0; // pages in the WAL that start a checkpoint
  int64_t pages_max = 0;            // pages of 4 KiB the file may grow to, then errc::disk_full; 0: no limit
};

/// Opens (creating if absent) the embedded store: WAL, synchronous=FULL, directory synced on creation,
/// migrated. Refused and left untouched: a file that is not an SQLite database (corrupt), belongs to another
/// program (bad_options), or has a newer schema (schema_newer). A file that another process has open is
/// unavailable (`<path>.lock`). After io_failed in a write, or after the file was removed or replaced, every
/// later write fails with io_failed until the process restarts; reads go on. A program that keeps a read
/// transaction open stops no write: the WAL grows, and warning() says so. All writing sessions share one
/// connection and take turns, so a second one is not faster. One node owns the whole store: writes that name
/// an owner (storage::fence) are rejected, and there is no open_cluster().
caf::expected<store_ptr> open_sqlite(const sqlite_options& options);

} // namespace beckon::storage
