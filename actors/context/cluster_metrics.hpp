#pragma once

#include <memory>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
class Registry;
} // namespace prometheus

namespace beckon::actors {

/// A node's cluster metrics. Threadsafe. The registry must outlive it.
struct cluster_metrics {
  explicit cluster_metrics(prometheus::Registry& registry);

  prometheus::Gauge* nodes_active;
  prometheus::Gauge* shards_owned;
  prometheus::Gauge* shards_unreachable; // without an owner, or owned by a node without a link
  prometheus::Gauge* moves;              // shards that this node is giving away
  prometheus::Gauge* lease_seconds;      // left; 0: this node may not claim
  prometheus::Gauge* clock_off_seconds;  // this host's clock minus the database's
  prometheus::Gauge* links_up;
  prometheus::Gauge* highest_epoch;
  prometheus::Counter* moved_away;    // shards
  prometheus::Counter* taken_over;    // shards of nodes that are gone
  prometheus::Counter* expulsions;    // this node was declared dead while alive
  prometheus::Counter* call_failures; // calls to the tables
  prometheus::Counter* fenced;        // writes refused because the shard had another owner
  prometheus::Counter* forwarded;     // asks sent to other nodes
  prometheus::Counter* answered;      // asks of other nodes
  prometheus::Counter* redirected;    // asks that a former owner sent back
  prometheus::Counter* refused;       // asks refused because a gateway was full
  prometheus::Counter* timed_out;     // asks that timed out, or whose link was lost
  prometheus::Counter* batches;       // sent
  prometheus::Counter* batch_bytes;   // sent
  prometheus::Counter* bad_batches;   // from peers
  prometheus::Counter* skipped;       // frames of peers that only a later version knows
  prometheus::Counter* unsupported;   // asks that a peer of an older version does not know
  prometheus::Histogram* batch_frames;
};

} // namespace beckon::actors
