#pragma once

#include "storage/cluster_store.hpp"

#include <vector>

namespace beckon::cluster {

/// Who should own what: the fewest changes that lead from the current owners to an even spread over `owners`.
/// Pure: every node that sees the same tables makes the same plan.
/// - A node's quota is shards / nodes, rounded down. If it does not divide, the nodes that hold the most keep
/// one more (ties: the lower incarnation).
/// - Shards without an owner in `owners` go to nodes below their quota.
/// - Nodes above their quota give the surplus to nodes below.
/// - Each receiver gets the shards that prefer it most (rendezvous).
/// So a join moves at most ceil(shards / nodes) shards, all to the new node, and the end of a node moves only
/// its own shards. `shards`: all of the cluster, by number. `owners`: nodes that may own shards, sorted,
/// distinct; empty: no changes. Result: by shard; `owner` and `epoch` as in `shards`.
std::vector<storage::shard_change> plan_changes(const std::vector<storage::cluster_shard>& shards,
                                                const std::vector<storage::incarnation_id>& owners);

} // namespace beckon::cluster
