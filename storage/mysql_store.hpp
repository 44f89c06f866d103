#pragma once

#include "storage/store.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <string>

namespace beckon::storage {

/// TLS to the server. Paths of PEM files; empty: not given.
struct mysql_tls {
  bool required = false; // refuse a connection without TLS; each of the others only matters with it
  bool verify = true;    // the certificate must be signed by `ca` (empty: the system's) and name the host
  std::string ca;
  std::string cert; // with `key`: how this node shows who it is
  std::string key;
};

/// Times are rounded up to whole seconds where the client library knows only those (the time-outs).
struct mysql_options {
  std::string host = "127.0.0.1"; // by TCP, also when it is "localhost"
  uint16_t port = 3306;
  std::string socket; // path of a Unix socket; then host and port are not used
  std::string user = "beckon";
  std::string password;
  std::string database = "beckon"; // must exist; the tables are made
  mysql_tls tls;
  int64_t connect_timeout_ms = 3000;
  int64_t read_timeout_ms = 5000;      // the wait for one reply; a lock of another transaction: half of it
  int64_t write_timeout_ms = 5000;     // the wait for the network to take a statement
  int64_t migrate_timeout_ms = 600000; // one change of the schema, or the wait for another node's, at start
  int64_t ping_after_idle_ms = 30000;  // a connection unused for longer is tried before it is used
  int64_t recycle_after_ms = 1800000;  // a connection older than this is replaced before it is used; 0: never
  uint32_t retries_max = 5;            // of a transaction that a deadlock or a lock wait ended
};

/// Opens the shared store on MySQL 8 or MariaDB 10.6 and later, creating and migrating its tables. Nodes that
/// start at once take turns at migrating. Refused and left untouched: a schema newer than this program
/// (schema_newer), tables of these names that another product made, a wrong password, an unknown database
/// (bad_options). A server that cannot be reached, or takes no more connections, is unavailable.
/// Each session is one connection, for which the next call stands in when it was lost. Nothing here ends the
/// process: the disk of the server is the server's business.
caf::expected<store_ptr> open_mysql(const mysql_options& options);

} // namespace beckon::storage
