#pragma once

#include "storage/cluster_store.hpp"
#include "storage/shard_table.hpp"

#include <memory>
#include <vector>

namespace beckon::storage {

/// The cluster of a store whose users are spread over several databases. The nodes, their leases and the
/// cluster's name are in `catalog`. Shard s is in `users[s % users.size()]`, where the transactions of its
/// users check its owner. No transaction spans two databases:
/// - A picture shows the nodes slightly earlier than the shards. A lease is renewed even if a user database
/// is down; the shards of that database are then unknown (cluster_shard::known), and the picture says why. So
/// are those of a database that belongs to another cluster.
/// - assign() and begin_moves() read the nodes first: a node that dies meanwhile may still be given a shard,
/// as if it had died a moment later. Shards of a failed database are skipped; its error is returned only if
/// no shard was changed.
/// - The bound of begin_moves() applies to each call; nodes that call it at the same moment may exceed it
/// together.
/// - leave() first removes the node and then frees its shards; a repeated call completes the rest.
/// Used by one thread at a time. Blocks: like `catalog` and then like the slowest of `users`, which are
/// called in parallel, each by its own thread; begin_moves() and leave() take one step more.
std::unique_ptr<cluster_store> make_sharded_cluster(std::unique_ptr<cluster_store> catalog,
                                                    std::vector<std::unique_ptr<shard_table>> users);

} // namespace beckon::storage
