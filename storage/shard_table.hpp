#pragma once

#include "storage/cluster_store.hpp"

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace beckon::storage {

/// The shards of one user database, if the nodes are in another one (see storage/sharded/cluster.hpp). It
/// does not check whether a node may own anything. Each call is one transaction and may be repeated. Used by
/// one thread at a time, not always the same. Blocks and fails like cluster_store.
class shard_table {
 public:
  virtual ~shard_table() = default;

  struct content {
    std::string cluster;               // the owning cluster; empty: none yet
    std::vector<cluster_shard> shards; // decision::shard_count of them, by number
  };
  virtual caf::expected<content> load() = 0;

  /// Assigns the table to this cluster. errc::bad_options if it belongs to another.
  virtual caf::error claim(const std::string& cluster) = 0;

  // As in cluster_store, for the shards of this table.
  virtual caf::expected<std::vector<cluster_shard>> begin_moves(const std::vector<shard_change>& moves,
                                                                size_t moving_max) = 0;
  virtual caf::expected<std::vector<cluster_shard>> assign(const std::vector<shard_change>& changes) = 0;
  virtual caf::error cancel_moves(const std::vector<shard_change>& moves) = 0;

  /// Shards owned by the node lose their owner and get a new epoch.
  virtual caf::error release(incarnation_id owner) = 0;
};

} // namespace beckon::storage
