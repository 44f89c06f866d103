#include "config/configuration.hpp"

#include <iterator>

namespace beckon::config {

namespace {

constexpr auto integer = value_type::integer;
constexpr auto boolean = value_type::boolean;
constexpr auto text = value_type::text;
constexpr auto choice = value_type::choice;

constexpr int64_t minute_ms = 60'000;
constexpr int64_t hour_ms = 60 * minute_ms;
constexpr int64_t mib = 1'048'576;
constexpr int64_t gib = 1024 * mib;

// clang-format off
constexpr key table[] = {
  {"node.name", text, "", "", 0, 255, "",
   "Name of this node in its cluster and in logs. Empty: the host's name. Workers append -1, -2, and so on."},
  {"node.data-dir", text, "data", "", 1, 4000, "",
   "Directory of the store, created if missing. Only one running node may use it."},
  {"node.threads", integer, "0", "", 0, 64, "",
   "Threads that run actors. 0: one per core. Use fewer if the host also runs other busy programs."},
  {"node.grace-ms", integer, "10000", "ms", 0, hour_ms, "",
   "Time that running requests get to finish after SIGTERM, SIGINT or SIGHUP. Then they are cut off."},

  {"http.address", text, "127.0.0.1", "", 1, 64, "",
   "IP address to listen on. Only loopback addresses are accepted, because this version has no "
   "authentication."},
  {"http.port", integer, "8080", "", 0, 65535, "",
   "TCP port to listen on. 0: any free port, printed at start."},
  {"http.backlog", integer, "4096", "", 1, 65535, "",
   "Connections that the kernel queues until the node accepts them. The kernel limits this to "
   "net.core.somaxconn."},
  {"http.reuse-port", boolean, "false", "", 0, 0, "",
   "Let several processes on this host listen on the same port (SO_REUSEPORT)."},
  {"http.header-timeout-ms", integer, "10000", "ms", 10, hour_ms, "",
   "Time from the first byte of a request to the end of its header. Beyond: 408."},
  {"http.body-timeout-ms", integer, "30000", "ms", 10, hour_ms, "",
   "Time from the end of the header to the end of the body. Beyond: 408."},
  {"http.body-rate-min", integer, "0", "bytes/s", 0, gib, "",
   "Minimum average rate at which a body must arrive. Below: 408. 0: no minimum."},
  {"http.idle-timeout-ms", integer, "60000", "ms", 10, 24 * hour_ms, "",
   "Close a keep-alive connection after this time without a request. Keep it above the idle time-out of "
   "a proxy."},
  {"http.write-timeout-ms", integer, "30000", "ms", 10, hour_ms, "",
   "Reset a connection whose client reads nothing of a waiting answer for this time."},
  {"http.linger-ms", integer, "2000", "ms", 0, minute_ms, "",
   "Time to keep reading input after the node has closed its side, so that the client still gets the "
   "answer."},
  {"http.request-deadline-ms", integer, "5000", "ms", 10, 10 * minute_ms, "",
   "Time in which a request must be answered. Beyond: 503."},

  {"http.inline-requests-max", integer, "64", "", 0, 100'000, "",
   "Decides that the I/O thread runs itself per turn, which is cheaper than waking another thread. More "
   "go to node.threads. 0: none. Lower it if decides are heavy."},
  {"http.inline-body-bytes-max", integer, "4096", "bytes", 0, mib, "",
   "Decides with a larger body go to node.threads."},
  {"http.inline-turn-us", integer, "1000", "us", 1, 1'000'000, "",
   "Time that the I/O thread spends on decides per turn while other connections wait. The rest goes to "
   "node.threads."},

  {"limits.request-line-bytes-max", integer, "8192", "bytes", 64, 65536, "",
   "Longest request line. Beyond: 414."},
  {"limits.header-bytes-max", integer, "16384", "bytes", 256, mib, "",
   "Total size of a request's header fields. Beyond: 431."},
  {"limits.header-fields-max", integer, "100", "", 4, 1000, "",
   "Number of a request's header fields. Beyond: 431."},
  {"limits.body-bytes-max", integer, "1048576", "bytes", 1, 64 * mib, "",
   "Size of a request's body. Beyond: 413."},
  {"limits.connections-max", integer, "10000", "", 1, 1'000'000, "",
   "Open connections. Beyond: new ones wait in the kernel. Each needs a descriptor (ulimit -n)."},
  {"limits.pipeline-depth-max", integer, "16", "", 1, 1024, "",
   "Running requests per connection. Beyond: the node stops reading from it."},
  {"limits.requests-in-flight-max", integer, "20000", "", 1, 1'000'000, "",
   "Running requests of the whole node. Beyond: 503 with Retry-After."},
  {"limits.request-bytes-in-flight-max", integer, "268435456", "bytes", mib, 64 * gib, "",
   "Total bytes of the bodies of running requests. Beyond: 503. At least limits.body-bytes-max."},
  {"limits.output-bytes-max", integer, "1048576", "bytes", 4096, gib, "",
   "Bytes of answers that a connection's client has not read yet. Beyond: the node stops reading from "
   "it."},
  {"limits.stream-piece-bytes-max", integer, "262144", "bytes", 32768, 64 * mib, "",
   "Size of the piece of a streamed answer that is held in memory. At most limits.output-bytes-max."},
  {"limits.shard-users-max", integer, "4096", "", 1, 10'000'000, "",
   "Users that each of the 256 shards keeps in memory. Beyond: the least recently used is dropped. "
   "Raise it if beckon_user_cache_evictions_total grows fast."},
  {"limits.user-waiting-max", integer, "256", "", 1, 100'000, "",
   "Decides that wait until one user's claim is on disk. Beyond: 503 with Retry-After."},
  {"limits.shard-waiting-max", integer, "4096", "", 1, 1'000'000, "",
   "Requests that wait in one shard. Beyond: 503 with Retry-After."},
  {"limits.popups-max", integer, "10000", "", 1, 1'000'000, "",
   "Popups in the catalogue. Beyond: creating one is refused."},
  {"limits.replay-answers-max", integer, "64", "", 1, 100'000, "",
   "Answers without a popup that each shard remembers for retries of the same request_id."},

  {"workers.count", integer, "0", "", 0, 64, "",
   "Processes that `serve` starts on one port, each a node (also: serve --workers N). 0: this process "
   "is the node. Needs storage.backend mysql."},
  {"workers.port-base", integer, "0", "", 0, 65000, "",
   "Worker K also listens on this port plus K, for its own /metrics and /readyz. 0: no extra ports."},
  {"workers.start-timeout-ms", integer, "90000", "ms", 1000, hour_ms, "",
   "Kill a restarted or replacing worker that is not ready after this time. The first start has no "
   "limit. Keep it above cluster.lease-ms."},

  {"cluster.name", text, "beckon", "", 1, 64, "",
   "Name of the cluster. All nodes on a database must use the same one; others are refused. [cluster] "
   "applies only with storage.backend mysql."},
  {"cluster.address", text, "127.0.0.1", "", 1, 64, "",
   "IP address at which other nodes reach this one. Off loopback the three certificate files are "
   "required."},
  {"cluster.port", integer, "0", "", 0, 65535, "",
   "TCP port for other nodes. 0: any free port, published in the database. Must be 0 with workers."},
  {"cluster.advertise", text, "", "", 0, 255, "",
   "HOST:PORT that other nodes connect to instead, behind address translation. Empty: cluster.address "
   "and the port. Not with workers."},
  {"cluster.tls-cert", text, "", "", 0, 4000, "",
   "PEM file with this node's certificate, for links to other nodes. Set all three files or none."},
  {"cluster.tls-key", text, "", "", 0, 4000, "",
   "PEM file with the key of that certificate."},
  {"cluster.tls-ca", text, "", "", 0, 4000, "",
   "PEM file with the authority that signed all nodes' certificates. Nodes without such a certificate "
   "are refused."},
  {"cluster.heartbeat-ms", integer, "2000", "ms", 100, minute_ms, "",
   "How often a node renews its lease in the database."},
  {"cluster.lease-ms", integer, "10000", "ms", 500, 10 * minute_ms, "",
   "Duration of a lease by the database's clock. After it, other nodes take over. Use the same value on "
   "all nodes."},
  {"cluster.own-lease-ms", integer, "7000", "ms", 300, 10 * minute_ms, "",
   "How long after sending its last successful renewal a node still shows popups. Must be below "
   "cluster.lease-ms."},
  {"cluster.retry-ms", integer, "500", "ms", 10, minute_ms, "",
   "Pause after a failed call to the cluster's tables."},
  {"cluster.database-timeout-ms", integer, "2000", "ms", 1000, minute_ms, "",
   "Time that one step of a call to the cluster's tables may take."},
  {"cluster.suspect-after-ms", integer, "1000", "ms", 100, minute_ms, "",
   "A node suspects another one that it cannot reach for this time, and tells the others through the "
   "database."},
  {"cluster.silent-ms", integer, "3500", "ms", 300, 10 * minute_ms, "",
   "A node suspected by two others is declared dead if it has not renewed its lease for this time, even "
   "before the lease runs out."},
  {"cluster.moves-max", integer, "4", "", 1, 256, "",
   "Shards that may move at once in the whole cluster."},
  {"cluster.hand-over-ms", integer, "5000", "ms", 100, 10 * minute_ms, "",
   "Time that a shard gets to finish its work before a move. Beyond: it stays where it is."},
  {"cluster.hold-asks-max", integer, "1000", "", 0, 100'000, "",
   "Requests that wait for a moving shard. Beyond: 503."},
  {"cluster.hold-ms", integer, "500", "ms", 1, minute_ms, "",
   "Time that a request waits for a moving shard. Beyond: 503."},
  {"cluster.forward-timeout-ms", integer, "2000", "ms", 10, minute_ms, "",
   "Time that a forwarded request waits for the owner's answer. Beyond: UNAVAILABLE or 503."},
  {"cluster.apply-timeout-ms", integer, "10000", "ms", 100, 10 * minute_ms, "",
   "Time that events from the outbox wait for an owner on another node. Then they are sent again."},
  {"cluster.gateway-asks-max", integer, "10000", "", 1, 1'000'000, "",
   "Requests that wait for one other node. Beyond: 503."},
  {"cluster.gateway-bytes-max", integer, "67108864", "bytes", mib, gib, "",
   "Bytes that wait to be sent to one other node. Beyond: requests for it get 503."},
  {"cluster.batches-in-flight-max", integer, "2", "", 1, 64, "",
   "Unconfirmed messages to one other node. At the limit requests gather for the next message."},
  {"cluster.connect-timeout-ms", integer, "1000", "ms", 10, minute_ms, "",
   "Time that connecting to another node may take."},
  {"cluster.redial-ms", integer, "500", "ms", 10, minute_ms, "",
   "Pause before a broken or failed link is tried again."},
  {"cluster.link-silence-ms", integer, "3000", "ms", 300, 10 * minute_ms, "",
   "A link without input for this time counts as down. Nodes send something every second."},
  {"cluster.clock-warn-ms", integer, "250", "ms", 1, hour_ms, "",
   "Warn if this host's clock differs from the database's by more. Decisions use the database's clock "
   "anyway."},
  {"cluster.clock-refuse-ms", integer, "2000", "ms", 1, hour_ms, "",
   "Refuse to join if this host's clock differs from the database's by more."},

  {"catalog.poll-ms", integer, "1000", "ms", 0, 1000, "",
   "How often a node on MySQL checks whether another node changed the catalogue. 0: never."},

  {"storage.backend", choice, "sqlite", "", 0, 0, "sqlite|mysql",
   "sqlite: a file in node.data-dir. mysql: a MySQL 8 or MariaDB server, configured in [mysql]."},

  {"sqlite.cache-kib", integer, "65536", "KiB", 64, 64 * mib, "",
   "Page cache of each writing connection."},
  {"sqlite.busy-timeout-ms", integer, "2000", "ms", 1, 10 * minute_ms, "",
   "Time to wait for another connection's lock. Beyond: the store counts as unavailable."},
  {"sqlite.wal-checkpoint-pages", integer, "16000", "pages", 100, 1'000'000, "",
   "Move the write-ahead log into the database file at this number of 4 KiB pages."},

  {"mysql.host", text, "127.0.0.1", "", 1, 255, "",
   "Host of the server, reached over TCP."},
  {"mysql.port", integer, "3306", "", 1, 65535, "",
   "TCP port of the server."},
  {"mysql.socket", text, "", "", 0, 107, "",
   "Path of the server's Unix socket, used instead of host and port."},
  {"mysql.user", text, "beckon", "", 1, 80, "",
   "Account to log in with."},
  {"mysql.password", text, "", "", 0, 4096, "",
   "Password of the account. A file is safer: mysql.password-file."},
  {"mysql.password-file", text, "", "", 0, 4000, "",
   "File whose first line is the password. Not with mysql.password."},
  {"mysql.database", text, "beckon", "", 1, 64, "",
   "Name of the database. It must exist; the node creates the tables."},
  {"mysql.tls-required", boolean, "false", "", 0, 0, "",
   "Refuse a connection without TLS."},
  {"mysql.tls-verify", boolean, "true", "", 0, 0, "",
   "Require a trusted server certificate that names the host."},
  {"mysql.tls-ca", text, "", "", 0, 4000, "",
   "PEM file with the authority that signed the server's certificate. Empty: the system's authorities."},
  {"mysql.tls-cert", text, "", "", 0, 4000, "",
   "PEM file with this node's certificate. Set it with mysql.tls-key."},
  {"mysql.tls-key", text, "", "", 0, 4000, "",
   "PEM file with the key of that certificate."},
  {"mysql.connect-timeout-ms", integer, "2000", "ms", 1000, minute_ms, "",
   "Time to wait for a connection, rounded up to whole seconds."},
  {"mysql.read-timeout-ms", integer, "2000", "ms", 1000, 10 * minute_ms, "",
   "Time to wait for a reply, rounded up to whole seconds."},
  {"mysql.write-timeout-ms", integer, "2000", "ms", 1000, 10 * minute_ms, "",
   "Time to wait until the server takes a statement, rounded up to whole seconds."},
  {"mysql.ping-after-idle-ms", integer, "30000", "ms", 0, hour_ms, "",
   "Ping a connection before use if it was idle for longer."},
  {"mysql.recycle-after-ms", integer, "1800000", "ms", 0, 24 * hour_ms, "",
   "Replace a connection before use if it is older. 0: never."},
  {"mysql.transaction-idle-ms", integer, "5000", "ms", 1000, 10 * minute_ms, "",
   "The server ends a transaction whose node is silent for this time (stopped or cut off). Until then "
   "others wait for its locks. Rounded up to whole seconds."},
  {"mysql.pool-size", integer, "0", "", 0, 1000, "",
   "Connections kept open to each database. 0: one per writing and reading thread (8 by default), so that none waits."},
  {"mysql.max-overflow", integer, "2", "", 0, 1000, "",
   "Extra connections opened while all are in use, and closed after use."},
  {"mysql.pool-timeout-ms", integer, "2000", "ms", 1, 10 * minute_ms, "",
   "Time to wait for a connection while all are in use. Beyond: the store counts as unavailable."},
  {"mysql.connect-retry-ms", integer, "50", "ms", 1, 10 * minute_ms, "",
   "Pause after a failed attempt to connect, doubled each time."},
  {"mysql.connect-retry-max-ms", integer, "1000", "ms", 1, 10 * minute_ms, "",
   "Longest pause between attempts to connect. A recovered server is found within this time."},
  {"mysql.replicas", text, "", "", 0, 4000, "",
   "Read-only copies of the database: HOST:PORT, separated by commas. They serve statistics and lists "
   "of all users' events."},
  {"mysql.replica-staleness-ms", integer, "2000", "ms", 1, 24 * hour_ms, "",
   "Do not read from a replica that may be further behind; use the primary."},
  {"mysql.replica-check-ms", integer, "500", "ms", 1, 10 * minute_ms, "",
   "How often to measure how far a replica is behind. Keep it well below mysql.replica-staleness-ms."},

  {"mysql.shards.databases", text, "", "", 0, 8000, "",
   "HOST:PORT/DATABASE, separated by commas. User shard s is in database s modulo their number. "
   "+HOST:PORT adds a replica to a database. Empty: users are in mysql.database. Do not change it once "
   "there are users."},

  {"writers.count", integer, "0", "", 0, 64, "",
   "Threads that write claims, profiles and popups, each with a store connection. 0: 1 on SQLite, which takes "
   "one writer at a time; 2 per user database on MySQL."},
  {"writers.event-lanes", integer, "0", "", 0, 64, "",
   "Threads that write only events, each with a store connection. One more is for erasures and prunes. 0: none "
   "on SQLite, whose one writer does everything, claims first; on MySQL one per user database, at least 2."},
  {"writers.queue-jobs-max", integer, "20000", "jobs", 1, 10'000'000, "",
   "Writes of one class that wait for one writer. Beyond: 503 with Retry-After. At least writers.batch-jobs-max."},
  {"writers.queue-bytes-max", integer, "67108864", "bytes", 65536, 16 * gib, "",
   "Bytes of the writes that wait for one writer. Beyond: 503 with Retry-After. At least "
   "writers.batch-bytes-max."},
  {"writers.queue-wait-ms", integer, "2000", "ms", 10, minute_ms, "",
   "Refuse a write with 503 if it waited longer for its turn. Keep it well below "
   "http.request-deadline-ms."},
  {"writers.batch-jobs-max", integer, "256", "jobs", 1, 10'000, "",
   "Writes in one transaction."},
  {"writers.batch-bytes-max", integer, "1048576", "bytes", 1024, 64 * mib, "",
   "Bytes in one transaction. A larger single write goes alone."},
  {"writers.batch-events-max", integer, "1000", "events", 1, 100'000, "",
   "Events in one transaction. A larger single batch goes alone. On SQLite a claim may wait for one such "
   "transaction: a larger value makes events faster and claims slower."},

  {"readers.count", integer, "2", "", 1, 64, "",
   "Threads that read users, each with a store connection."},
  {"readers.export-lanes", integer, "1", "", 1, 64, "",
   "Threads that read exports, lists and counters, each with a store connection, so that these never delay a user."},
  {"readers.queue-jobs-max", integer, "20000", "jobs", 1, 10'000'000, "",
   "Reads of one class that wait for one reader. Beyond: 503 with Retry-After."},
  {"readers.queue-wait-ms", integer, "2000", "ms", 10, minute_ms, "",
   "Refuse a read of a user with 503 if it waited longer for its turn. Keep it well below http.request-deadline-ms."},
  {"readers.export-wait-ms", integer, "30000", "ms", 10, 10 * minute_ms, "",
   "Refuse a page of an export if it waited longer for its turn. Exports take turns page by page, so this bounds "
   "how many can run at once."},
  {"readers.batch-users-max", integer, "64", "users", 1, 1000, "",
   "Users loaded with one query."},

  {"durability.claims", choice, "store", "", 0, 0, "store|queued",
   "store: an answer contains a popup only after its claim is on disk. queued: the answer does not "
   "wait, so a crash may show a popup again."},
  {"durability.events", choice, "auto", "", 0, 0, "auto|store|outbox",
   "auto: store on SQLite, outbox on MySQL. store: a 202 means that the events are in the store. "
   "outbox: it means that they are on this node's disk, from where they are shipped in order; the node "
   "accepts events while the store is down."},

  {"outbox.bytes-max", integer, "1073741824", "bytes", mib, 1024 * gib, "",
   "Bytes of events that wait in the outbox. Beyond: 503."},
  {"outbox.ship-events-max", integer, "5000", "", 1, 100'000, "",
   "Events taken from the outbox at once. They go to the store in parts; see writers.batch-events-max."},
  {"outbox.retry-ms", integer, "500", "ms", 10, minute_ms, "",
   "Pause before failed shipping is tried again."},

  {"supervisor.restarts-max", integer, "5", "", 0, 1000, "",
   "Restarts of all parts of the node together within the window. Beyond: the node stops, and the "
   "service manager starts it again."},
  {"supervisor.restart-window-ms", integer, "60000", "ms", 100, 24 * hour_ms, "",
   "Window in which restarts are counted."},
  {"supervisor.backoff-ms", integer, "100", "ms", 1, minute_ms, "",
   "Pause before the first restart, doubled for each further one in the window."},

  {"log.level", choice, "info", "", 0, 0, "trace|debug|info|warn|error",
   "Least important level to log."},
  {"log.format", choice, "text", "", 0, 0, "text|json",
   "text: for people. json: one object per line, for collectors."},
};
// clang-format on

} // namespace

const std::vector<section>& sections() {
  static const std::vector<section> table = {
      {"node", "This node: its name, its directory, its threads."},
      {"http", "The HTTP front: where it listens and how long it waits for a client."},
      {"limits", "Bounds. At each the client gets a clear answer; no queue grows without limit."},
      {"workers", "Several processes on one port, each a node of the cluster. [supervisor] bounds restarts."},
      {"cluster", "Nodes on one MySQL database: membership, owners of users, links between nodes."},
      {"catalog", "The popups and settings that every node holds."},
      {"storage", "Which store keeps claims, events, popups and users."},
      {"sqlite", "The embedded store."},
      {"mysql", "The database server, if storage.backend is mysql."},
      {"mysql.shards",
       "Users spread over several databases of the same account; the catalogue stays in mysql.database."},
      {"writers", "Threads that write to the store, in groups: one group is one durable transaction."},
      {"readers", "Threads that read from the store what is not cached."},
      {"durability", "What must be on disk before an answer leaves."},
      {"outbox", "Events on this node's disk that wait to be shipped to the store."},
      {"supervisor", "How often a failed part of the node is restarted."},
      {"log", "The log on standard error."},
  };
  return table;
}

const std::vector<key>& keys() {
  static const std::vector<key> result(std::begin(table), std::end(table));
  return result;
}

const key* find_key(std::string_view name) {
  for (const auto& k : keys()) {
    if (k.name == name)
      return &k;
  }
  return nullptr;
}

} // namespace beckon::config
