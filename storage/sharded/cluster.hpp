#pragma once

#include "storage/cluster_store.hpp"
#include "storage/shard_table.hpp"

#include <memory>
#include <vector>

namespace beckon::storage {

/// The cluster of a store whose users are spread over several databases. The nodes, their leases, and the
/// cluster's name are those of `catalog`; shard s is in `users[s % users.size()]`, where the transactions of
/// its users check who owns it. Nothing is one transaction over two databases:
/// - A picture has the nodes as they were a moment before the shards. A lease is renewed although a database
/// of users is
///   away; its shards are then not known (cluster_shard::known), and the picture says why. So are those of a
///   database that belongs to another cluster.
/// - assign() and begin_moves() look at the nodes first: one that dies meanwhile may still be given a shard,
/// as if it
///   had died a moment later. Shards of a database that failed are left out; its error is returned when no
///   shard at all was changed.
/// - The bound of begin_moves() holds for each call; nodes that call it at the same moment may go beyond it
/// together.
/// - leave() removes the node first, and then frees its shards; called again it completes what it could not
/// do. Used by one thread at a time. Blocks: as `catalog` and then as the slowest of `users`, which are asked
/// all at once, each by a thread of its own; begin_moves() and leave() one step more.
std::unique_ptr<cluster_store> make_sharded_cluster(std::unique_ptr<cluster_store> catalog,
                                                    std::vector<std::unique_ptr<shard_table>> users);

} // namespace beckon::storage
