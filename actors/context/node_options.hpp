#pragma once

#include <cstddef>
#include <cstdint>

namespace beckon::actors {

/// Bounds of the actors; each has a configuration key.
struct node_options {
  size_t shard_users_max = 4096;          // limits.shard-users-max
  size_t user_waiting_max = 256;          // limits.user-waiting-max
  size_t shard_waiting_max = 4096;        // limits.shard-waiting-max
  size_t replay_answers_max = 64;         // limits.replay-answers-max, per shard
  size_t popups_max = 10000;              // limits.popups-max
  int64_t catalog_poll_ms = 0;            // catalog.poll-ms; 0: no other node changes the catalogue
  size_t hold_asks_max = 1000;            // cluster.hold-asks-max, per shard
  int64_t hold_ms = 500;                  // cluster.hold-ms
  size_t writers = 1;                     // writers.count
  size_t write_jobs_max = 20000;          // writers.queue-jobs-max
  size_t write_bytes_max = 67108864;      // writers.queue-bytes-max
  int64_t queue_wait_ms = 2000;           // writers.queue-wait-ms
  size_t batch_jobs_max = 256;            // writers.batch-jobs-max
  size_t batch_bytes_max = 1048576;       // writers.batch-bytes-max
  size_t readers = 2;                     // readers.count
  size_t read_jobs_max = 20000;           // readers.queue-jobs-max
  size_t read_batch_max = 64;             // readers.batch-users-max
  size_t ship_events_max = 5000;          // outbox.ship-events-max
  int64_t ship_retry_ms = 500;            // outbox.retry-ms
  bool claims_queued = false;             // durability.claims = 'queued'
  size_t restarts_max = 5;                // supervisor.restarts-max
  int64_t restart_window_ms = 60000;      // supervisor.restart-window-ms
  int64_t backoff_ms = 100;               // supervisor.backoff-ms
  int64_t grace_ms = 10000;               // node.grace-ms
  size_t stream_piece_bytes_max = 262144; // limits.stream-piece-bytes-max
};

} // namespace beckon::actors
