#pragma once

#include "storage/mysql/store.hpp"

#include <cstdint>

/// The schema of the shared store, as the steps that lead to it.
namespace beckon::storage::mysql {

/// The version this program writes; the row of `beckon_meta` holds the version of a database.
int64_t schema_version();

/// Upgrades the database to schema_version(). If several programs do this at once, one works and the others
/// wait. Throws failure: schema_newer, or bad_options for another product's tables, with nothing changed;
/// after any other failure the database is at the last finished step, and a later start continues there.
void migrate(const mysql_options& options);

/// The version of the database, -1 if this program has never used it. Changes nothing; throws what migrate()
/// and take_place() would refuse.
int64_t inspect_tables(const mysql_options& options);

/// Records which users the database holds (mysql_options::place), and refuses another place once there are
/// users, because they would not be found. Throws failure: bad_options.
void take_place(const mysql_options& options);

} // namespace beckon::storage::mysql
