#pragma once

#include "storage/mysql/statement.hpp"
#include "storage/sql_catalog.hpp"
#include "storage/sql_reads.hpp"

namespace beckon::storage::mysql {

/// The version of the catalogue. Writers of all nodes take turns: each first locks the row that holds it.
class version_row {
 public:
  explicit version_row(connection& db)
      : db_(db),
        lock_(db, "SELECT catalog_version FROM beckon_meta WHERE one = 1 FOR UPDATE"),
        move_(db, "UPDATE beckon_meta SET catalog_version = ? WHERE one = 1") {}

  void begin() { version_ = sql::read_version<rows>(db_, lock_); }
  uint64_t next() {
    move_.run(++version_);
    return version_;
  }

 private:
  connection& db_;
  statement lock_;
  statement move_;
  uint64_t version_ = 0;
};

/// The catalogue's writes in the words of MySQL.
struct dialect {
  using connection = mysql::connection;
  using statement = mysql::statement;
  using rows = mysql::rows;
  using version_row = mysql::version_row;

  static constexpr sql::catalog_statements catalog = {
      "SELECT revision, document IS NOT NULL FROM popup WHERE id = ? FOR UPDATE",
      // The assignments run from left to right: created_at must come before document.
      "INSERT INTO popup(id, revision, document, created_at, updated_at) VALUES(?, ?, ?, ?, ?) "
      "ON DUPLICATE KEY UPDATE revision = VALUES(revision), "
      "created_at = IF(document IS NULL, VALUES(created_at), created_at), "
      "document = VALUES(document), updated_at = VALUES(updated_at)",
      "INSERT INTO popup(id, revision, document, created_at, updated_at) VALUES(?, 0, NULL, ?, ?) "
      "ON DUPLICATE KEY UPDATE revision = revision",
      "SELECT revision FROM settings WHERE one = 1 FOR UPDATE",
      "INSERT INTO settings(one, document, revision) VALUES(1, ?, ?) "
      "ON DUPLICATE KEY UPDATE document = VALUES(document), revision = VALUES(revision)"};
};

using catalog_writer = sql::catalog_writer<dialect>;

} // namespace beckon::storage::mysql
