#pragma once

#include "storage/cluster_store.hpp"

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace beckon::storage {

/// The shards of one database of users, where the nodes are in another one (see sharded_cluster.hpp): nobody
/// asks here whether a node may own anything. Each call is one transaction and may be repeated. Used by one
/// thread at a time, which need not always be the same. Blocks and fails as cluster_store does.
class shard_table {
 public:
  virtual ~shard_table() = default;

  struct content {
    std::string cluster;               // whose they are; empty: nobody's yet
    std::vector<cluster_shard> shards; // decision::shard_count of them, by number
  };
  virtual caf::expected<content> load() = 0;

  /// Makes the table that of this cluster. errc::bad_options when it is another's.
  virtual caf::error claim(const std::string& cluster) = 0;

  // As those of cluster_store, for the shards of this table.
  virtual caf::expected<std::vector<cluster_shard>> begin_moves(const std::vector<shard_change>& moves,
                                                                size_t moving_max) = 0;
  virtual caf::expected<std::vector<cluster_shard>> assign(const std::vector<shard_change>& changes) = 0;
  virtual caf::error cancel_moves(const std::vector<shard_change>& moves) = 0;

  /// What the node owns belongs to nobody, with a new epoch.
  virtual caf::error release(incarnation_id owner) = 0;
};

} // namespace beckon::storage
