#pragma once

#include "storage/cluster_store.hpp"

#include <caf/error.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

/// The rules common to all implementations of the cluster's tables. Pure: rows in, rows out.
namespace beckon::storage::cluster_rules {

/// Maximum bytes of a text about a node, and of a cluster's name.
constexpr size_t text_bytes_max = 255;
/// Maximum number of nodes that one node may suspect at a time.
constexpr size_t suspects_max = 1000;
/// Bounds of a lease in milliseconds.
constexpr int64_t lease_ms_max = 600'000;

/// errc::bad_options for a node without cluster or identity, and for values out of bounds.
caf::error check(const joining_node& node);
caf::error check(const heartbeat& h);
/// errc::bad_options unless the database belongs to `wanted` or to no cluster yet.
caf::error check_name(const std::string& where, const std::string& stored, const std::string& wanted);

/// The nodes that cluster_store::bury() declares dead.
std::vector<incarnation_id> dead_of(const std::vector<cluster_node>& nodes,
                                    const std::vector<incarnation_id>& asked, const burial_rule& rule,
                                    int64_t now_ms);

/// Whether a node may receive shards, or shards may start to move to it.
bool may_own(const std::vector<cluster_node>& nodes, incarnation_id node);
bool is_active(const std::vector<cluster_node>& nodes, incarnation_id node);

/// For people: "0-3, 7".
std::string shard_ranges(const std::vector<uint16_t>& sorted);

/// The rows of the shards that a call concerns, by number.
using shard_rows = std::map<uint16_t, cluster_shard>;
using node_test = std::function<bool(incarnation_id)>;

// Each function changes the rows and returns those that now are as requested, by number.

/// `draining`: their number in the whole table.
std::vector<cluster_shard> begin_moves(shard_rows& rows, const std::vector<shard_change>& moves,
                                       size_t moving_max, size_t draining, const node_test& may_receive);
std::vector<cluster_shard> assign(shard_rows& rows, const std::vector<shard_change>& changes,
                                  const node_test& may_receive);
std::vector<cluster_shard> cancel_moves(shard_rows& rows, const std::vector<shard_change>& moves);
/// The rows owned by `owner`.
std::vector<cluster_shard> release(shard_rows& rows, incarnation_id owner);

} // namespace beckon::storage::cluster_rules
