#pragma once

#include "storage/cluster_store.hpp"

#include <vector>

namespace beckon::cluster {

/// Who should own what: the changes that lead from the present owners to an even spread over `owners`, as few
/// as possible. Pure: every node that sees the same tables plans the same.
/// - Every node's quota is shards / nodes, rounded down; those who hold the most now keep one more where it
/// does not
///   divide (ties: the lower incarnation).
/// - Shards of nobody, or of someone not in `owners`, go to those below their quota.
/// - Who holds more than the quota gives the surplus to those below it.
/// - Which shards: for each receiver those that prefer it most (rendezvous).
/// So a join moves at most ceil(shards / nodes) shards, all of them to the new node, and an end moves only
/// what the node that is gone had. `shards`: all of the cluster, by number. `owners`: nodes that may own
/// shards, sorted, without repetition; none: no changes. Result: by shard; `owner` and `epoch` as in
/// `shards`.
std::vector<storage::shard_change> plan_changes(const std::vector<storage::cluster_shard>& shards,
                                                const std::vector<storage::incarnation_id>& owners);

} // namespace beckon::cluster
