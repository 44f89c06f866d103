#pragma once

#include "storage/mysql/store.hpp"

#include <cstdint>

/// The schema of the shared store, as the steps that lead to it.
namespace beckon::storage::mysql {

/// The version this program writes; the row of `beckon_meta` holds the version of a database.
int64_t schema_version();

/// Brings the database from its version to schema_version(). Of several programs at it at once, one does it
/// and the others wait for it. Throws failure: schema_newer, or bad_options for another product's tables, and
/// then nothing was changed; else the database stands at the last step that was finished, which a later start
/// goes on from.
void migrate(const mysql_options& options);

/// The version of the database, -1 when this program has never been there. Changes nothing, and throws what
/// migrate() and take_place() would refuse.
int64_t inspect_tables(const mysql_options& options);

/// Notes which users the database holds (mysql_options::place), and refuses to take it for another place once
/// there are some: they would not be found. Throws failure: bad_options.
void take_place(const mysql_options& options);

} // namespace beckon::storage::mysql
