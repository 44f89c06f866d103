#include "actors/node/configured_options.hpp"

#include "config/database_list.hpp"

#include <algorithm>

namespace beckon::actors {

namespace {

/// How often an idle store is asked whether it can write. A file of this host does not go away for a moment
/// as a server does.
constexpr int64_t check_file_ms = 10'000;
constexpr int64_t check_server_ms = 2000;

} // namespace

size_t user_databases(const config::configuration& cfg) {
  if (cfg.text("storage.backend") != "mysql")
    return 1;
  // An invalid list is refused when the store is opened.
  auto shards = config::read_shard_databases(cfg.text("mysql.shards.databases"));
  return std::max<size_t>(1, shards.list.size());
}

node_options options_from(const config::configuration& cfg) {
  auto size = [&cfg](const char* key) { return static_cast<size_t>(cfg.integer(key)); };
  node_options o;
  o.shard_users_max = size("limits.shard-users-max");
  o.user_waiting_max = size("limits.user-waiting-max");
  o.shard_waiting_max = size("limits.shard-waiting-max");
  o.replay_answers_max = size("limits.replay-answers-max");
  o.popups_max = size("limits.popups-max");
  auto mysql = cfg.text("storage.backend") == "mysql";
  if (mysql)
    o.catalog_poll_ms = cfg.integer("catalog.poll-ms");
  o.hold_asks_max = size("cluster.hold-asks-max");
  o.hold_ms = cfg.integer("cluster.hold-ms");
  o.writers = size("writers.count");
  if (o.writers == 0)
    o.writers = mysql ? std::min<size_t>(64, 2 * user_databases(cfg)) : 1;
  o.event_lanes = size("writers.event-lanes");
  if (o.event_lanes == 0 && mysql)
    o.event_lanes = std::min<size_t>(64, std::max<size_t>(2, user_databases(cfg)));
  o.store_check_ms = mysql ? check_server_ms : check_file_ms;
  o.write_jobs_max = size("writers.queue-jobs-max");
  o.write_bytes_max = size("writers.queue-bytes-max");
  o.queue_wait_ms = cfg.integer("writers.queue-wait-ms");
  o.batch_jobs_max = size("writers.batch-jobs-max");
  o.batch_bytes_max = size("writers.batch-bytes-max");
  o.batch_events_max = size("writers.batch-events-max");
  o.readers = size("readers.count");
  o.export_lanes = size("readers.export-lanes");
  o.read_wait_ms = cfg.integer("readers.queue-wait-ms");
  o.export_wait_ms = cfg.integer("readers.export-wait-ms");
  o.read_jobs_max = size("readers.queue-jobs-max");
  o.read_batch_max = size("readers.batch-users-max");
  o.ship_events_max = size("outbox.ship-events-max");
  o.ship_retry_ms = cfg.integer("outbox.retry-ms");
  o.claims_queued = cfg.text("durability.claims") == "queued";
  o.restarts_max = size("supervisor.restarts-max");
  o.restart_window_ms = cfg.integer("supervisor.restart-window-ms");
  o.backoff_ms = cfg.integer("supervisor.backoff-ms");
  o.grace_ms = cfg.integer("node.grace-ms");
  o.stream_piece_bytes_max = size("limits.stream-piece-bytes-max");
  return o;
}

} // namespace beckon::actors
