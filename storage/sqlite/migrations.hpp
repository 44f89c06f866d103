#pragma once

#include "storage/sqlite/connection.hpp"

#include <cstdint>

/// The schemas of the embedded files, as the steps that create them.
namespace beckon::storage::sqlite {

/// One kind of file. The step at index n leads from version n to n + 1; `PRAGMA user_version` holds a file's
/// version.
struct schema {
  int64_t application_id;   // identifies this kind of file in its header
  const char* const* steps; // `version` of them; released steps are never edited, only new ones added
  int64_t version;          // the version this program writes
};

/// The store: application id "Bkon".
const schema& store_schema();

/// Upgrades the file to the schema's version, each step in its own transaction. Throws failure; the file is
/// then at the last finished step, and a later start continues there.
void migrate(connection& db, const schema& kind);

} // namespace beckon::storage::sqlite
