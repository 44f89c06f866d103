#pragma once

#include "storage/sqlite/connection.hpp"

#include <cstdint>

/// The schemas of the embedded files, as the steps that lead to them.
namespace beckon::storage::sqlite {

/// One kind of file. The step at index n leads from version n to n + 1; `PRAGMA user_version` holds a file's
/// version.
struct schema {
  int64_t application_id;   // marks a file as of this kind, in the header that `file` and others read
  const char* const* steps; // `version` of them; released steps are never edited, only added to
  int64_t version;          // the one that this program writes
};

/// The store: application id "Bkon".
const schema& store_schema();

/// Brings the file from its version to that of the schema, each step in a transaction of its own. Throws
/// failure; then the file stands at the last step that was finished, which a later start goes on from.
void migrate(connection& db, const schema& kind);

} // namespace beckon::storage::sqlite
