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
   "Name of this node in its cluster and in logs; empty: the host's name. Workers have -1, -2, … behind it."},
  {"node.data-dir", text, "data", "", 1, 4000, "",
   "Directory of the store; made when missing. One running node owns it."},
  {"node.threads", integer, "0", "", 0, 64, "",
   "Threads that run actors; 0: as many as there are cores."},
  {"node.grace-ms", integer, "10000", "ms", 0, hour_ms, "",
   "On SIGTERM, SIGINT or SIGHUP, how long requests in flight may take to finish before they are cut off."},

  {"http.address", text, "127.0.0.1", "", 1, 64, "",
   "IP address to listen on. Without tokens only a loopback address is accepted."},
  {"http.port", integer, "8080", "", 0, 65535, "",
   "TCP port to listen on; 0: any free one, printed at the start."},
  {"http.backlog", integer, "4096", "", 1, 65535, "",
   "Connections that the kernel holds until the node accepts them; the kernel cuts it to net.core.somaxconn."},
  {"http.reuse-port", boolean, "false", "", 0, 0, "",
   "Lets several processes of one host listen on the same port (SO_REUSEPORT)."},
  {"http.header-timeout-ms", integer, "10000", "ms", 10, hour_ms, "",
   "From the first byte of a request to the end of its header, else 408."},
  {"http.body-timeout-ms", integer, "30000", "ms", 10, hour_ms, "",
   "From the end of the header to the end of the body, else 408."},
  {"http.body-rate-min", integer, "0", "bytes/s", 0, gib, "",
   "Least average rate of an arriving body, else 408; 0: none."},
  {"http.idle-timeout-ms", integer, "60000", "ms", 10, 24 * hour_ms, "",
   "How long a keep-alive connection may stay without a request before it is closed."},
  {"http.write-timeout-ms", integer, "30000", "ms", 10, hour_ms, "",
   "How long a client may take nothing of a waiting answer before its connection is reset."},
  {"http.linger-ms", integer, "2000", "ms", 0, minute_ms, "",
   "After the node has closed its side, how long late input is still read so that the answer is not lost."},
  {"http.request-deadline-ms", integer, "5000", "ms", 10, 10 * minute_ms, "",
   "A request must be answered by then; otherwise it gets 503."},

  {"http.inline-requests-max", integer, "64", "", 0, 100'000, "",
   "Decides that the I/O thread works on itself in one turn instead of waking another thread for each; more go to "
   "node.threads. 0: none."},
  {"http.inline-body-bytes-max", integer, "4096", "bytes", 0, mib, "",
   "A decide with a larger body goes to node.threads."},
  {"http.inline-turn-us", integer, "1000", "us", 1, 1'000'000, "",
   "How long the I/O thread works on decides in one turn while other connections wait; what is left then goes to "
   "node.threads."},

  {"limits.request-line-bytes-max", integer, "8192", "bytes", 64, 65536, "",
   "Longest request line; beyond: 414."},
  {"limits.header-bytes-max", integer, "16384", "bytes", 256, mib, "",
   "All header fields of one request together; beyond: 431."},
  {"limits.header-fields-max", integer, "100", "", 4, 1000, "",
   "Header fields of one request; beyond: 431."},
  {"limits.body-bytes-max", integer, "1048576", "bytes", 1, 64 * mib, "",
   "Body of one request; beyond: 413."},
  {"limits.connections-max", integer, "10000", "", 1, 1'000'000, "",
   "Open connections; beyond: new ones wait in the kernel. Each needs one descriptor (ulimit -n)."},
  {"limits.pipeline-depth-max", integer, "16", "", 1, 1024, "",
   "Requests of one connection in work at a time; beyond: the node reads no further."},
  {"limits.requests-in-flight-max", integer, "20000", "", 1, 1'000'000, "",
   "Requests of the whole node in work at a time; beyond: 503 with Retry-After."},
  {"limits.request-bytes-in-flight-max", integer, "268435456", "bytes", mib, 64 * gib, "",
   "Bytes of request bodies in work at a time; beyond: 503. Not below limits.body-bytes-max."},
  {"limits.output-bytes-max", integer, "1048576", "bytes", 4096, gib, "",
   "Answers of one connection that the client has not taken yet; beyond: the node reads no further."},
  {"limits.stream-piece-bytes-max", integer, "262144", "bytes", 32768, 64 * mib, "",
   "Piece of a streamed answer that is held in memory; not above limits.output-bytes-max."},
  {"limits.shard-users-max", integer, "4096", "", 1, 10'000'000, "",
   "Users that each of the 256 shards keeps in memory; beyond: the one not seen for longest is dropped."},
  {"limits.user-waiting-max", integer, "256", "", 1, 100'000, "",
   "Decides that wait behind one user's claim until it is on disk; beyond: 503 with Retry-After."},
  {"limits.shard-waiting-max", integer, "4096", "", 1, 1'000'000, "",
   "Requests that wait in one shard; beyond: 503 with Retry-After."},
  {"limits.popups-max", integer, "10000", "", 1, 1'000'000, "",
   "Popups in the catalogue; beyond: creating one is refused."},
  {"limits.replay-answers-max", integer, "64", "", 1, 100'000, "",
   "Answers without a popup that each shard remembers for retries of the same request_id."},

  {"workers.count", integer, "0", "", 0, 64, "",
   "Processes of `serve`, each a node, on one port (also: serve --workers N); 0: this process is the node. Needs storage.backend mysql."},
  {"workers.port-base", integer, "0", "", 0, 65000, "",
   "Worker K also listens alone on this port plus K, so that its /metrics and /readyz can be asked; 0: not."},
  {"workers.start-timeout-ms", integer, "90000", "ms", 1000, hour_ms, "",
   "A worker that is started again, or instead of another, and is not ready by then is ended; the first start of all "
   "is not bounded."},

  {"cluster.name", text, "beckon", "", 1, 64, "",
   "Nodes of one database belong to one cluster of this name; a node of another name is refused. Only with storage.backend mysql, as all of [cluster]."},
  {"cluster.address", text, "127.0.0.1", "", 1, 64, "",
   "IP address where other nodes reach this one. Off loopback the three certificate files are needed."},
  {"cluster.port", integer, "0", "", 0, 65535, "",
   "TCP port for other nodes; 0: any free one, which they learn from the database. With workers it stays 0."},
  {"cluster.advertise", text, "", "", 0, 255, "",
   "HOST:PORT that other nodes are told instead, where addresses are translated; empty: cluster.address and the port. "
   "Not with workers."},
  {"cluster.tls-cert", text, "", "", 0, 4000, "",
   "PEM file: this node's certificate, for links to other nodes. All three files or none."},
  {"cluster.tls-key", text, "", "", 0, 4000, "",
   "PEM file: the key of that certificate."},
  {"cluster.tls-ca", text, "", "", 0, 4000, "",
   "PEM file: the authority that signed the certificates of all nodes; others are refused."},
  {"cluster.heartbeat-ms", integer, "2000", "ms", 100, minute_ms, "",
   "How often a node renews its lease in the database."},
  {"cluster.lease-ms", integer, "10000", "ms", 500, 10 * minute_ms, "",
   "How long a lease lasts by the database's clock; then others take over. The same on all nodes."},
  {"cluster.own-lease-ms", integer, "7000", "ms", 300, 10 * minute_ms, "",
   "How long after sending a renewal a node still shows popups when no other gets through; below cluster.lease-ms."},
  {"cluster.retry-ms", integer, "500", "ms", 10, minute_ms, "",
   "Pause after a failed use of the cluster's tables."},
  {"cluster.database-timeout-ms", integer, "2000", "ms", 1000, minute_ms, "",
   "How long one step of using the cluster's tables may take."},
  {"cluster.suspect-after-ms", integer, "1000", "ms", 100, minute_ms, "",
   "A node that cannot be reached for so long is suspected, which others can read in the database."},
  {"cluster.silent-ms", integer, "3500", "ms", 300, 10 * minute_ms, "",
   "A node that two others suspect is given up when it has not renewed its lease for so long, before the lease has run out."},
  {"cluster.moves-max", integer, "4", "", 1, 256, "",
   "Shards that change hands at once in the whole cluster."},
  {"cluster.hand-over-ms", integer, "5000", "ms", 100, 10 * minute_ms, "",
   "How long a shard may take to finish what is under way before it is given away; else it stays."},
  {"cluster.hold-asks-max", integer, "1000", "", 0, 100'000, "",
   "Requests that wait for a shard while it changes hands; more get 503."},
  {"cluster.hold-ms", integer, "500", "ms", 1, minute_ms, "",
   "How long they wait; then 503."},
  {"cluster.forward-timeout-ms", integer, "2000", "ms", 10, minute_ms, "",
   "How long a request waits for the owner on another node; then UNAVAILABLE or 503."},
  {"cluster.apply-timeout-ms", integer, "10000", "ms", 100, 10 * minute_ms, "",
   "How long events from the outbox wait for their owner on another node before they are sent again."},
  {"cluster.gateway-asks-max", integer, "10000", "", 1, 1'000'000, "",
   "Requests that wait for one other node; more get 503."},
  {"cluster.gateway-bytes-max", integer, "67108864", "bytes", mib, gib, "",
   "Bytes that wait to be sent to one other node; beyond, requests for it get 503."},
  {"cluster.batches-in-flight-max", integer, "2", "", 1, 64, "",
   "Messages to one other node that it has not confirmed; meanwhile requests gather for the next."},
  {"cluster.connect-timeout-ms", integer, "1000", "ms", 10, minute_ms, "",
   "How long making a link to another node may take."},
  {"cluster.redial-ms", integer, "500", "ms", 10, minute_ms, "",
   "Pause before a link that broke or was not made is made again."},
  {"cluster.link-silence-ms", integer, "3000", "ms", 300, 10 * minute_ms, "",
   "A link on which nothing comes for so long counts as down. Nodes send something each second."},
  {"cluster.clock-warn-ms", integer, "250", "ms", 1, hour_ms, "",
   "Warn when this host's clock differs from the database's by more. Decisions go by the database's clock anyway."},
  {"cluster.clock-refuse-ms", integer, "2000", "ms", 1, hour_ms, "",
   "Do not join when it differs by more."},

  {"catalog.poll-ms", integer, "1000", "ms", 0, 1000, "",
   "How often it is looked whether another node changed the catalogue, on MySQL; 0: never."},

  {"storage.backend", choice, "sqlite", "", 0, 0, "sqlite|mysql",
   "sqlite: embedded, in node.data-dir. mysql: a MySQL 8 or MariaDB server, as [mysql] says."},

  {"sqlite.cache-kib", integer, "65536", "KiB", 64, 64 * mib, "",
   "Page cache of each writing connection."},
  {"sqlite.busy-timeout-ms", integer, "2000", "ms", 1, 10 * minute_ms, "",
   "How long to wait for another connection's lock before the store counts as unavailable."},
  {"sqlite.wal-checkpoint-pages", integer, "16000", "pages", 100, 1'000'000, "",
   "Pages of 4 KiB in the write-ahead log that start moving it into the database file."},

  {"mysql.host", text, "127.0.0.1", "", 1, 255, "", "The server, by TCP."},
  {"mysql.port", integer, "3306", "", 1, 65535, "", "Its port."},
  {"mysql.socket", text, "", "", 0, 107, "", "Path of its Unix socket; then host and port are not used."},
  {"mysql.user", text, "beckon", "", 1, 80, "", "The user that this node is there."},
  {"mysql.password", text, "", "", 0, 4096, "", "Its password; a file is the better place (mysql.password-file)."},
  {"mysql.password-file", text, "", "", 0, 4000, "", "A file whose first line is the password; not with mysql.password."},
  {"mysql.database", text, "beckon", "", 1, 64, "", "The database; it must exist, its tables are made."},
  {"mysql.tls-required", boolean, "false", "", 0, 0, "", "Refuse a connection without TLS."},
  {"mysql.tls-verify", boolean, "true", "", 0, 0, "", "The server's certificate must be trusted and name the host."},
  {"mysql.tls-ca", text, "", "", 0, 4000, "", "PEM file of who may sign it; empty: the system's."},
  {"mysql.tls-cert", text, "", "", 0, 4000, "", "PEM file of this node's certificate, with mysql.tls-key."},
  {"mysql.tls-key", text, "", "", 0, 4000, "", "PEM file of its key."},
  {"mysql.connect-timeout-ms", integer, "2000", "ms", 1000, minute_ms, "", "Wait for a connection; whole seconds, rounded up."},
  {"mysql.read-timeout-ms", integer, "2000", "ms", 1000, 10 * minute_ms, "", "Wait for a reply; whole seconds, rounded up."},
  {"mysql.write-timeout-ms", integer, "2000", "ms", 1000, 10 * minute_ms, "", "Wait for a statement to be taken; whole seconds, rounded up."},
  {"mysql.ping-after-idle-ms", integer, "30000", "ms", 0, hour_ms, "", "A connection idle for longer is tried before it is used."},
  {"mysql.recycle-after-ms", integer, "1800000", "ms", 0, 24 * hour_ms, "", "A connection older than this is replaced before it is used; 0: never."},
  {"mysql.transaction-idle-ms", integer, "5000", "ms", 1000, 10 * minute_ms, "",
   "A transaction in which a stopped or cut-off node says nothing for so long is ended by the server; others wait for its locks until then. Rounded up to whole seconds."},
  {"mysql.pool-size", integer, "0", "", 0, 1000, "",
   "Connections kept open to each database; 0: one for each writing and reading thread (8 by default), so that none waits."},
  {"mysql.max-overflow", integer, "2", "", 0, 1000, "",
   "More connections while all are in use, closed when they come back."},
  {"mysql.pool-timeout-ms", integer, "2000", "ms", 1, 10 * minute_ms, "",
   "Wait for a connection while all are in use; beyond: the store counts as unavailable."},
  {"mysql.connect-retry-ms", integer, "50", "ms", 1, 10 * minute_ms, "",
   "Pause after a connection could not be made; doubled each time."},
  {"mysql.connect-retry-max-ms", integer, "1000", "ms", 1, 10 * minute_ms, "",
   "The longest such pause: within it a server that is back is found."},
  {"mysql.replicas", text, "", "", 0, 4000, "",
   "Read-only copies of the database, HOST:PORT parted by commas. Statistics and lists of all users' events are read there."},
  {"mysql.replica-staleness-ms", integer, "2000", "ms", 1, 24 * hour_ms, "",
   "A replica that may be further behind is not read from; the primary is."},
  {"mysql.replica-check-ms", integer, "500", "ms", 1, 10 * minute_ms, "",
   "How often it is found out how far a replica is behind. Well below mysql.replica-staleness-ms."},

  {"mysql.shards.databases", text, "", "", 0, 8000, "",
   "HOST:PORT/DATABASE parted by commas; user shard s is in number s modulo their count. +HOST:PORT after one: its replica. "
   "Empty: users are in mysql.database. Fixed once there are users."},

  {"writers.count", integer, "0", "", 0, 64, "",
   "Threads that write claims, profiles and popups, one store connection each. 0: 1 on SQLite, which takes one writer at a time, and 2 for each database of users on MySQL."},
  {"writers.event-lanes", integer, "0", "", 0, 64, "",
   "Threads that write events and nothing else, one store connection each; one more is for erasures and prunes. 0: on SQLite none, its writer does everything, claims first; on MySQL one for each database of users, at least 2."},
  {"writers.queue-jobs-max", integer, "20000", "jobs", 1, 10'000'000, "",
   "Writes of one class that wait for one writer; beyond: 503 with Retry-After. Not below writers.batch-jobs-max."},
  {"writers.queue-bytes-max", integer, "67108864", "bytes", 65536, 16 * gib, "",
   "The same bound in bytes. Not below writers.batch-bytes-max."},
  {"writers.queue-wait-ms", integer, "2000", "ms", 10, minute_ms, "",
   "A write that waited longer for its turn is refused with 503; keep it well below http.request-deadline-ms."},
  {"writers.batch-jobs-max", integer, "256", "jobs", 1, 10'000, "",
   "Writes in one transaction."},
  {"writers.batch-bytes-max", integer, "1048576", "bytes", 1024, 64 * mib, "",
   "Bytes in one transaction; a single larger write goes alone."},
  {"writers.batch-events-max", integer, "1000", "events", 1, 100'000, "",
   "Events in one transaction; a single larger batch goes alone. On SQLite a claim may wait for one such transaction: larger is faster for events and slower for claims."},

  {"readers.count", integer, "2", "", 1, 64, "",
   "Threads that read users, one store connection each."},
  {"readers.export-lanes", integer, "1", "", 1, 64, "",
   "Threads that read exports, lists and counters, one store connection each; so these never delay a user."},
  {"readers.queue-jobs-max", integer, "20000", "jobs", 1, 10'000'000, "",
   "Reads of one class that wait for one reader; beyond: 503 with Retry-After."},
  {"readers.queue-wait-ms", integer, "2000", "ms", 10, minute_ms, "",
   "A read of a user that waited longer for its turn is refused with 503; keep it well below http.request-deadline-ms."},
  {"readers.export-wait-ms", integer, "30000", "ms", 10, 10 * minute_ms, "",
   "The same for one page of an export. All exports take turns page by page, so this bounds how many can run at once."},
  {"readers.batch-users-max", integer, "64", "users", 1, 1000, "",
   "Users loaded with one query."},

  {"durability.claims", choice, "store", "", 0, 0, "store|queued",
   "store: a popup is in an answer only after its claim is on disk. queued: the answer does not wait; "
   "a crash may then show a popup again."},
  {"durability.events", choice, "auto", "", 0, 0, "auto|store|outbox",
   "auto: store on SQLite, outbox on MySQL. store: events are in the store before the 202. outbox: they are on this node's disk, and shipped to the store "
   "in their order; they are taken while the store is away."},

  {"outbox.bytes-max", integer, "1073741824", "bytes", mib, 1024 * gib, "",
   "Events that wait in the outbox; beyond: 503."},
  {"outbox.ship-events-max", integer, "5000", "", 1, 100'000, "", "Events taken from the outbox at once. They go to the store in parts, see writers.batch-events-max."},
  {"outbox.retry-ms", integer, "500", "ms", 10, minute_ms, "", "Pause before shipping is tried again after a failure."},

  {"supervisor.restarts-max", integer, "5", "", 0, 1000, "",
   "Restarts within the window, counted over all parts of the node together; beyond: the node stops, for its service "
   "manager to start anew."},
  {"supervisor.restart-window-ms", integer, "60000", "ms", 100, 24 * hour_ms, "",
   "The window in which restarts are counted."},
  {"supervisor.backoff-ms", integer, "100", "ms", 1, minute_ms, "",
   "Wait before the first restart; doubled for each further one in the window."},

  {"log.level", choice, "info", "", 0, 0, "trace|debug|info|warn|error",
   "The least important lines that are written."},
  {"log.format", choice, "text", "", 0, 0, "text|json",
   "text: for people. json: one object a line, for collectors."},
};
// clang-format on

} // namespace

const std::vector<section>& sections() {
  static const std::vector<section> table = {
      {"node", "This node: its name, its directory, its threads."},
      {"http", "The HTTP front: where it listens and how long it waits for a client."},
      {"limits", "Bounds. What happens at each is a clear answer to the client, never a growing queue."},
      {"workers", "Several processes on one port, each a node of the cluster. Restarts are bounded as "
                  "[supervisor] says."},
      {"cluster",
       "Nodes on one MySQL database: who is there, who owns which users, how they reach one another."},
      {"catalog", "The popups and settings that every node holds."},
      {"storage", "Which store keeps claims, events, popups and users."},
      {"sqlite", "The embedded store."},
      {"mysql", "The server, where storage.backend is mysql."},
      {"mysql.shards",
       "Users spread over several databases of the same account; the catalogue stays in mysql.database."},
      {"writers", "Threads that write to the store, in groups: one group is one durable transaction."},
      {"readers", "Threads that read from the store what no cache holds."},
      {"durability", "What must be on disk before an answer leaves."},
      {"outbox", "Events on this node's disk that are on their way to the store."},
      {"supervisor", "How often a failed part of the node is started again."},
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
