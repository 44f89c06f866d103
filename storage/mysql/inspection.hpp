#pragma once

#include "storage/mysql/store.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <string>

namespace beckon::storage {

/// A server's settings, for the people who run it.
struct mysql_facts {
  std::string database; // "mysql beckon@127.0.0.1:3306 database beckon"
  std::string version;
  int64_t flush_log_at_commit = 1; // innodb_flush_log_at_trx_commit
  bool binary_log = false;
  int64_t sync_binlog = 1;
  bool doublewrite = true;
  int64_t connections_max = 0;      // max_connections
  int64_t user_connections_max = 0; // max_user_connections of this account; 0: none
  int64_t clock_ahead_ms = 0;       // this host's clock minus the server's, corrected for the round trip
};

/// The tables of a database, for people.
struct mysql_schema {
  std::string database;
  int64_t version = -1; // -1: there are none yet
  int64_t newest = 0;   // the version this program upgrades to
};

// Each uses its own connection and changes nothing. Blocks: within the time-outs.

caf::expected<mysql_facts> inspect_mysql(const mysql_options& options);

/// Fails if open_mysql() would refuse the database.
caf::expected<mysql_schema> inspect_mysql_schema(const mysql_options& options);

} // namespace beckon::storage
