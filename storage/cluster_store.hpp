#pragma once

#include "storage/error.hpp"

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// Who is a member of the cluster and who owns which shard, as the database has it. Times are Unix
/// milliseconds by the database's clock.
namespace beckon::storage {

/// A node from one join to its end. Numbers only grow, none is given twice; 0: nobody.
using incarnation_id = uint64_t;

enum class node_state : uint8_t {
  joining,  // known, and links to it are being made; owns nothing
  active,   // may own shards
  draining, // gives its shards away, then leaves
  dead,     // for good: a node that comes back is a new incarnation
};
std::string to_string(node_state s);

struct cluster_node {
  incarnation_id incarnation = 0;
  std::string name;     // what people call it; need not be unique
  std::string identity; // of its data directory, which one process owns at a time
  std::string address;  // host:port for other nodes
  std::string http;     // where clients reach it, for people
  std::string version;  // of the program
  node_state state = node_state::joining;
  int64_t lease_until_ms = 0;
  int64_t heartbeat_ms = 0;             // when the lease was last renewed
  std::vector<incarnation_id> suspects; // whom it cannot reach
};

enum class shard_state : uint8_t { owned, draining };
std::string to_string(shard_state s);

struct cluster_shard {
  uint16_t shard = 0;
  incarnation_id owner = 0; // 0: nobody yet, or the last one left
  uint64_t epoch = 0;       // grows with each change of the owner
  shard_state state = shard_state::owned;
  incarnation_id next_owner = 0; // while draining
  bool known = true;             // false: its database could not be read; the rest is void
};

/// The tables at one moment.
struct cluster_picture {
  int64_t now_ms = 0; // by the database's clock, when it was read
  std::string cluster;
  std::vector<cluster_node> nodes;   // by incarnation; the dead too, as long as they are kept
  std::vector<cluster_shard> shards; // decision::shard_count of them, by number
  std::string trouble;               // why shards are not known, for people; empty: all are
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

/// A lease renewed: until now + lease_ms.
struct heartbeat {
  incarnation_id self = 0;
  int64_t lease_ms = 10000;
  std::vector<incarnation_id> suspects;
};

/// When a node may be taken for dead.
struct burial_rule {
  incarnation_id by = 0;         // who asks; it must be alive itself
  size_t witnesses_min = 2;      // living others that suspect it …
  int64_t silent_ms = 3500;      // … while it has not renewed its lease for so long
  int64_t witness_age_ms = 4000; // and the witnesses have, within this time
};

/// A shard's next owner, if it is still as it was seen.
struct shard_change {
  uint16_t shard = 0;
  incarnation_id owner = 0; // the present one
  uint64_t epoch = 0;       // the present one
  incarnation_id to = 0;    // 0: nobody
};

/// The tables of the cluster, on a connection of its own. Each call is one transaction. Used by one thread at
/// a time. Blocks: yes, at most for the time-outs it was opened with. Errors: those of the store
/// (storage::errc); after unknown_outcome, look. Every call may be repeated.
class cluster_store {
 public:
  virtual ~cluster_store() = default;

  /// Adds a node in state joining, and declares the living ones of the same identity dead: their process is
  /// gone. errc::bad_options when the database belongs to a cluster of another name.
  virtual caf::expected<incarnation_id> join(const joining_node& node) = 0;

  /// Renews the lease, unless the node is dead or unknown (which the picture then shows), and reads
  /// everything.
  virtual caf::expected<cluster_picture> beat(const heartbeat& h) = 0;

  /// Reads everything. Also for a session that never joined.
  virtual caf::expected<cluster_picture> look() = 0;

  /// joining → active; false when the node is not joining or active.
  virtual caf::expected<bool> activate(incarnation_id node) = 0;

  /// joining, active → draining; false when it is neither of these nor draining.
  virtual caf::expected<bool> drain(incarnation_id node) = 0;

  /// Removes the node; shards that it still has then belong to nobody, with a new epoch.
  virtual caf::error leave(incarnation_id node) = 0;

  /// Declares dead those of `nodes` whose lease has run out, or who are silent and suspected as `rule` says.
  /// Returns whom it declared dead now. Nothing when the asking node is not alive with a lease.
  virtual caf::expected<std::vector<incarnation_id>> bury(const std::vector<incarnation_id>& nodes,
                                                          const burial_rule& rule) = 0;

  /// Marks shards as draining towards `to` (active), while at most `moving_max` drain in the whole cluster;
  /// returns those that do now, as they are stored. Shards that are not as they were seen are left out.
  virtual caf::expected<std::vector<cluster_shard>> begin_moves(const std::vector<shard_change>& moves,
                                                                size_t moving_max) = 0;

  /// Gives shards to their next owners with epoch + 1, state owned, under the exclusive lock; returns those
  /// changed, as they are stored. Shards that are not as they were seen, and those to nodes that may own
  /// nothing (not joining or active), are left out. Who held a shard's fence before has committed or commits
  /// nothing any more.
  virtual caf::expected<std::vector<cluster_shard>> assign(const std::vector<shard_change>& changes) = 0;

  /// Draining shards that are as they were seen become owned again, with the same owner and epoch.
  virtual caf::error cancel_moves(const std::vector<shard_change>& moves) = 0;

  /// Deletes rows of nodes that have been dead for longer.
  virtual caf::error forget_dead(int64_t older_than_ms) = 0;
};

} // namespace beckon::storage
