#pragma once

#include "storage/sql_catalog.hpp"
#include "storage/sqlite/connection.hpp"

namespace beckon::storage::sqlite {

/// The version of the catalogue. The transaction has the write lock, so it needs no lock of its own.
class version_row {
 public:
  explicit version_row(connection& db)
      : move_(db, "UPDATE meta SET catalog_version = catalog_version + 1 RETURNING catalog_version") {}

  void begin() {}
  uint64_t next() {
    rows r{move_};
    uint64_t version = 0;
    while (r.next())
      version = static_cast<uint64_t>(r.integer(0));
    return version;
  }

 private:
  statement move_;
};

/// The catalogue's writes in the words of SQLite.
struct dialect {
  using connection = sqlite::connection;
  using statement = sqlite::statement;
  using rows = sqlite::rows;
  using version_row = sqlite::version_row;

  static constexpr sql::catalog_statements catalog = {
      "SELECT revision, document IS NOT NULL FROM popup WHERE id = ?",
      "INSERT INTO popup(id, revision, document, created_at, updated_at) VALUES(?, ?, ?, ?, ?) "
      "ON CONFLICT DO UPDATE SET revision = excluded.revision, document = excluded.document, "
      "created_at = iif(document IS NULL, excluded.created_at, created_at), updated_at = excluded.updated_at",
      "INSERT INTO popup(id, revision, document, created_at, updated_at) VALUES(?, 0, NULL, ?, ?) "
      "ON CONFLICT DO NOTHING",
      "SELECT revision FROM settings",
      "INSERT INTO settings(one, document, revision) VALUES(1, ?, ?) "
      "ON CONFLICT DO UPDATE SET document = excluded.document, revision = excluded.revision"};
};

using catalog_writer = sql::catalog_writer<dialect>;

} // namespace beckon::storage::sqlite
