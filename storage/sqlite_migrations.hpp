#pragma once

#include "storage/sqlite_connection.hpp"

#include <cstdint>

/// The schema of the embedded store, as the steps that lead to it.
namespace beckon::storage::sqlite {

/// "Bkon": marks the file as this program's, in the header that `file` and others read.
constexpr int64_t application_id = 0x426b6f6e;

/// The version this program writes; `PRAGMA user_version` holds the version of a file.
int64_t schema_version();

/// Brings the file from its version to schema_version(), each step in a transaction of its own. Throws
/// failure; then the file stands at the last step that was finished, which a later start goes on from.
void migrate(connection& db);

} // namespace beckon::storage::sqlite
