#pragma once

#include "storage/store.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// The room of MySQL and MariaDB: connection pools, read replicas, prepared statements, migrations, and the
/// tables of a cluster. Vendor headers stay in api.hpp.
namespace beckon::storage {

/// TLS to the server. Paths of PEM files; empty: not set.
struct mysql_tls {
  bool required = false; // refuse a connection without TLS; the other members matter only with it
  bool verify = true;    // the certificate must be signed by `ca` (empty: the system's) and name the host
  std::string ca;
  std::string cert; // with `key`: this node's identity
  std::string key;
};

/// A server's TCP address.
struct mysql_address {
  std::string host;
  uint16_t port = 0;
};

/// Which users a database holds if they are spread over several: those with shard modulo `databases` equal to
/// `position`. If `position` equals `databases`, it holds only the catalogue.
struct mysql_place {
  uint32_t position = 0;
  uint32_t databases = 1;
};

/// Times are rounded up to whole seconds if the client library or the server requires it (the time-outs, and
/// transaction_idle_ms). A node that stops in the middle of a transaction keeps its locks for at most
/// transaction_idle_ms, and for no longer keeps others from taking over its shards. A server without such a
/// limit for transactions (MySQL) applies it to the whole connection: one idle for longer is replaced.
struct mysql_options {
  std::string host; // by TCP, also when it is "localhost"
  uint16_t port = 0;
  std::string socket; // path of a Unix socket; then host and port are not used
  std::string user;
  std::string password;
  std::string database; // must exist; the tables are made
  mysql_tls tls;
  int64_t connect_timeout_ms = 0;
  int64_t read_timeout_ms = 0;         // the wait for one reply; a lock of another transaction: half of it
  int64_t write_timeout_ms = 0;        // the wait for the network to take a statement
  int64_t transaction_idle_ms = 0;     // a client silent for longer loses its transaction
  int64_t migrate_timeout_ms = 600000; // one change of the schema, or the wait for another node's, at start
  int64_t ping_after_idle_ms = 0;      // a connection unused for longer is tried before it is used
  int64_t recycle_after_ms = 0;        // a connection older than this is replaced before it is used; 0: never
  uint32_t retries_max = 5;            // of a transaction that a deadlock or a lock wait ended
  uint32_t pool_size = 0;              // connections kept open to each database
  uint32_t max_overflow = 0;           // more of them while all are taken, closed when they come back
  int64_t pool_timeout_ms = 0;         // the wait for one while all are taken
  int64_t connect_retry_ms = 0;        // pause after a connection could not be made; doubled each time
  int64_t connect_retry_max_ms = 0;    // up to this
  std::vector<mysql_address> replicas; // read-only copies of the database, with the same account
  int64_t replica_staleness_ms = 0;    // one that may be further behind is not read from
  int64_t replica_check_ms = 0;        // how often it is found out
  mysql_place place;
};

/// bad_options for values that are out of bounds or contradictory. Contacts no server.
caf::error check_mysql_options(const mysql_options& options);

/// Opens the shared store on MySQL 8 or MariaDB 10.6 and later, creating and migrating its tables. Nodes that
/// start at once take turns at migrating. Refused and left untouched: a schema newer than this program
/// (schema_newer), tables of these names from another product, a wrong password, an unknown database
/// (bad_options). A server that cannot be reached, or accepts no more connections, is unavailable. Sessions
/// take a connection from the store's pool for each call. A read whose connection was lost is repeated once
/// on another connection, and so is a transaction that had not begun. Statistics and lists of all users'
/// events are read from a replica that is fresh enough, if there is one; everything else from the primary.
/// Nothing here ends the process: the server's disk is the server's business.
caf::expected<store_ptr> open_mysql(const mysql_options& options);

} // namespace beckon::storage
