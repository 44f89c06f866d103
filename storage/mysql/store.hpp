#pragma once

#include "storage/store.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// The room of MySQL and MariaDB: pools of connections, read replicas, prepared statements, migrations, and
/// the tables of a cluster. Vendor headers stay in api.hpp.
namespace beckon::storage {

/// TLS to the server. Paths of PEM files; empty: not given.
struct mysql_tls {
  bool required = false; // refuse a connection without TLS; each of the others only matters with it
  bool verify = true;    // the certificate must be signed by `ca` (empty: the system's) and name the host
  std::string ca;
  std::string cert; // with `key`: how this node shows who it is
  std::string key;
};

/// Where a server listens, by TCP.
struct mysql_address {
  std::string host;
  uint16_t port = 0;
};

/// Which users a database holds, where they are spread over several: those whose shard leaves `position` when
/// divided by `databases`. The position that is their number: none, it holds the catalogue alone.
struct mysql_place {
  uint32_t position = 0;
  uint32_t databases = 1;
};

/// Each comes from one key of [mysql], where its default stands, but migrate_timeout_ms, retries_max and
/// place. Times are rounded up to whole seconds where client library or server know only those (the
/// time-outs, and transaction_idle_ms). A node that is stopped in the middle of a transaction keeps its locks
/// for transaction_idle_ms, and so keeps others from taking over its shards for no longer than that. A server
/// without such a limit for transactions (MySQL) has it for the whole connection: one that is idle for longer
/// is made anew.
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

/// bad_options for what is out of bounds or does not fit together. Reaches no server.
caf::error check_mysql_options(const mysql_options& options);

/// Opens the shared store on MySQL 8 or MariaDB 10.6 and later, creating and migrating its tables. Nodes that
/// start at once take turns at migrating. Refused and left untouched: a schema newer than this program
/// (schema_newer), tables of these names that another product made, a wrong password, an unknown database
/// (bad_options). A server that cannot be reached, or takes no more connections, is unavailable.
/// Sessions take a connection from the store's pool for each call. A read whose connection was lost is done
/// once more on another, and so is a transaction that had not begun. Lists of events of all users and
/// statistics are read from a replica that is fresh enough, everything else from the primary, and so
/// everything when there is no such replica. Nothing here ends the process: the disk of the server is the
/// server's business.
caf::expected<store_ptr> open_mysql(const mysql_options& options);

} // namespace beckon::storage
