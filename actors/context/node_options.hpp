#pragma once

#include <cstddef>
#include <cstdint>

namespace beckon::actors {

/// Bounds of the actors; each has a configuration key.
struct node_options {
  size_t shard_users_max = 0;        // limits.shard-users-max
  size_t user_waiting_max = 0;       // limits.user-waiting-max
  size_t shard_waiting_max = 0;      // limits.shard-waiting-max
  size_t replay_answers_max = 0;     // limits.replay-answers-max, per shard
  size_t popups_max = 0;             // limits.popups-max
  int64_t catalog_poll_ms = 0;       // catalog.poll-ms; 0: nobody else changes the catalogue
  size_t hold_asks_max = 0;          // cluster.hold-asks-max, per shard
  int64_t hold_ms = 0;               // cluster.hold-ms
  size_t writers = 0;                // writers.count
  size_t event_lanes = 0;            // writers.event-lanes; 0: the writers serve every class
  size_t write_jobs_max = 0;         // writers.queue-jobs-max
  size_t write_bytes_max = 0;        // writers.queue-bytes-max
  int64_t queue_wait_ms = 0;         // writers.queue-wait-ms
  size_t batch_jobs_max = 0;         // writers.batch-jobs-max
  size_t batch_bytes_max = 0;        // writers.batch-bytes-max
  size_t batch_events_max = 0;       // writers.batch-events-max
  int64_t store_check_ms = 0;        // how often an idle store is asked whether it can write
  size_t readers = 0;                // readers.count
  size_t export_lanes = 0;           // readers.export-lanes
  size_t read_jobs_max = 0;          // readers.queue-jobs-max
  int64_t read_wait_ms = 0;          // readers.queue-wait-ms
  int64_t export_wait_ms = 0;        // readers.export-wait-ms
  size_t read_batch_max = 0;         // readers.batch-users-max
  size_t ship_events_max = 0;        // outbox.ship-events-max
  int64_t ship_retry_ms = 0;         // outbox.retry-ms
  bool claims_queued = false;        // durability.claims = 'queued'
  size_t restarts_max = 0;           // supervisor.restarts-max
  int64_t restart_window_ms = 0;     // supervisor.restart-window-ms
  int64_t backoff_ms = 0;            // supervisor.backoff-ms
  int64_t grace_ms = 0;              // node.grace-ms
  size_t stream_piece_bytes_max = 0; // limits.stream-piece-bytes-max
};

} // namespace beckon::actors
