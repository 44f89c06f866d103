#pragma once

#include "storage/cluster_store.hpp"

#include <caf/error.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

/// What every kind of cluster table decides alike. Pure: rows in, rows out.
namespace beckon::storage::cluster_rules {

/// Bytes of a text that a node says of itself, and of a cluster's name.
constexpr size_t text_bytes_max = 255;
/// Nodes that one node may suspect at a time.
constexpr size_t suspects_max = 1000;
/// Milliseconds that a lease may have.
constexpr int64_t lease_ms_max = 600'000;

/// errc::bad_options for a node without cluster or identity, and for what is out of bounds.
caf::error check(const joining_node& node);
caf::error check(const heartbeat& h);
/// errc::bad_options unless the database belongs to `wanted`, or to nobody yet.
caf::error check_name(const std::string& where, const std::string& stored, const std::string& wanted);

/// Whom cluster_store::bury() declares dead.
std::vector<incarnation_id> dead_of(const std::vector<cluster_node>& nodes,
                                    const std::vector<incarnation_id>& asked, const burial_rule& rule,
                                    int64_t now_ms);

/// Whether shards may be given to a node, or may begin to move to it.
bool may_own(const std::vector<cluster_node>& nodes, incarnation_id node);
bool is_active(const std::vector<cluster_node>& nodes, incarnation_id node);

/// For people: "0-3, 7".
std::string shard_ranges(const std::vector<uint16_t>& sorted);

/// The rows of the shards that a call concerns, by number.
using shard_rows = std::map<uint16_t, cluster_shard>;
using node_test = std::function<bool(incarnation_id)>;

// Each changes the rows and returns those that are now as they were asked to be, by number.

/// `draining`: how many there are in the whole table.
std::vector<cluster_shard> begin_moves(shard_rows& rows, const std::vector<shard_change>& moves,
                                       size_t moving_max, size_t draining, const node_test& may_receive);
std::vector<cluster_shard> assign(shard_rows& rows, const std::vector<shard_change>& changes,
                                  const node_test& may_receive);
std::vector<cluster_shard> cancel_moves(shard_rows& rows, const std::vector<shard_change>& moves);
/// The rows that `owner` has.
std::vector<cluster_shard> release(shard_rows& rows, incarnation_id owner);

} // namespace beckon::storage::cluster_rules
