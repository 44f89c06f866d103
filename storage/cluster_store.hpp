#pragma once

#include "storage/error.hpp"

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// The database's record of the members and the owners of shards. Times are Unix milliseconds by the
/// database's clock.
namespace beckon::storage {

/// A node from one join to its end. Numbers grow and are never reused; 0: nobody.
using incarnation_id = uint64_t;

enum class node_state : uint8_t {
  joining,  // known, connecting to all others; owns nothing
  active,   // may own shards
  draining, // gives its shards away, then leaves
  dead,     // for good: a node that returns is a new incarnation
};
std::string to_string(node_state s);

struct cluster_node {
  incarnation_id incarnation = 0;
  std::string name;     // for people; need not be unique
  std::string identity; // of its data directory, which one process owns at a time
  std::string address;  // host:port for other nodes
  std::string http;     // where clients reach it, for people
  std::string version;  // of the program
  node_state state = node_state::joining;
  int64_t lease_until_ms = 0;
  int64_t heartbeat_ms = 0;             // when the lease was last renewed
  std::vector<incarnation_id> suspects; // nodes that it cannot reach
};

enum class shard_state : uint8_t { owned, draining };
std::string to_string(shard_state s);

struct cluster_shard {
  uint16_t shard = 0;
  incarnation_id owner = 0; // 0: none yet, or the last one left
  uint64_t epoch = 0;       // grows with each new owner
  shard_state state = shard_state::owned;
  incarnation_id next_owner = 0; // while draining
  bool known = true;             // false: its database could not be read; the other members are invalid
};

/// The tables at one moment: the picture.
struct cluster_picture {
  int64_t now_ms = 0; // by the database's clock, at the time of reading
  std::string cluster;
  std::vector<cluster_node> nodes;   // by incarnation; dead ones too, while they are kept
  std::vector<cluster_shard> shards; // decision::shard_count of them, by number
  std::string trouble;               // why shards are unknown, for people; empty: all are known
};

struct joining_node {
  std::string cluster; // the cluster's name
  std::string name;
  std::string identity;
  std::string address;
  std::string http;
  std::string version;
  int64_t lease_ms = 10000;
};

/// The lease lasts until now + lease_ms.
struct heartbeat {
  incarnation_id self = 0;
  int64_t lease_ms = 10000;
  std::vector<incarnation_id> suspects;
};

/// When a node may be declared dead.
struct burial_rule {
  incarnation_id by = 0;         // the node that asks; it must be alive itself
  size_t witnesses_min = 2;      // at least this many other living nodes suspect it …
  int64_t silent_ms = 3500;      // … while it has not renewed its lease for this time
  int64_t witness_age_ms = 4000; // and the witnesses have renewed within this time
};

/// A shard's next owner, if the shard is still as it was seen.
struct shard_change {
  uint16_t shard = 0;
  incarnation_id owner = 0; // the current one
  uint64_t epoch = 0;       // the current one
  incarnation_id to = 0;    // 0: nobody
};

/// The cluster's tables, on their own connection. Each call is one transaction. Used by one thread at a time.
/// Blocks: yes, at most for its time-outs. Errors: those of the store (storage::errc); after unknown_outcome,
/// read the tables. Every call may be repeated.
class cluster_store {
 public:
  virtual ~cluster_store() = default;

  /// Adds a node in state joining, and declares living nodes with the same identity dead, because their
  /// process is gone. errc::bad_options if the database belongs to another cluster.
  virtual caf::expected<incarnation_id> join(const joining_node& node) = 0;

  /// Renews the lease, unless the node is dead or unknown (as the picture then shows), and reads everything.
  virtual caf::expected<cluster_picture> beat(const heartbeat& h) = 0;

  /// Reads everything; also allowed without a join.
  virtual caf::expected<cluster_picture> look() = 0;

  /// joining → active; false if the node is neither joining nor active.
  virtual caf::expected<bool> activate(incarnation_id node) = 0;

  /// joining, active → draining; false if it is in none of these three states.
  virtual caf::expected<bool> drain(incarnation_id node) = 0;

  /// Removes the node; shards it still has lose their owner and get a new epoch.
  virtual caf::error leave(incarnation_id node) = 0;

  /// Declares dead those of `nodes` whose lease has run out, or that are silent and suspected according to
  /// `rule`. Returns those declared dead now. Does nothing if the asking node holds no lease.
  virtual caf::expected<std::vector<incarnation_id>> bury(const std::vector<incarnation_id>& nodes,
                                                          const burial_rule& rule) = 0;

  /// Marks shards as draining towards `to` (active), while at most `moving_max` drain in the whole cluster.
  /// Returns those now draining, as stored. Skips shards that have changed since they were seen.
  virtual caf::expected<std::vector<cluster_shard>> begin_moves(const std::vector<shard_change>& moves,
                                                                size_t moving_max) = 0;

  /// Gives shards to their next owners with epoch + 1, state owned, under the exclusive lock. Returns the
  /// changed ones, as stored. Skips shards that have changed, and those to nodes that may own nothing (not
  /// joining or active). Whoever held a shard's fence before has committed, or can no longer commit.
  virtual caf::expected<std::vector<cluster_shard>> assign(const std::vector<shard_change>& changes) = 0;

  /// Draining shards that are unchanged become owned again, with the same owner and epoch.
  virtual caf::error cancel_moves(const std::vector<shard_change>& moves) = 0;

  /// Deletes rows of nodes that have been dead for longer.
  virtual caf::error forget_dead(int64_t older_than_ms) = 0;
};

} // namespace beckon::storage
