#pragma once

#include "storage/cluster_rules.hpp"
#include "storage/rows.hpp"
#include "storage/shard_table.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace beckon::storage {

struct memory_shared;

/// The cluster's tables of the in-memory store. Not threadsafe.
class memory_cluster_tables {
 public:
  /// `clock_ms` is the database's clock; empty: the system's.
  explicit memory_cluster_tables(std::function<int64_t()> clock_ms);

  bool holds(const shard_fence& named) const;

  caf::expected<incarnation_id> join(const joining_node& node);
  caf::expected<cluster_picture> beat(const heartbeat& h);
  cluster_picture look() const;
  bool activate(incarnation_id node);
  bool drain(incarnation_id node);
  void leave(incarnation_id node);
  std::vector<incarnation_id> bury(const std::vector<incarnation_id>& asked, const burial_rule& rule);
  void forget_dead(int64_t older_than_ms);

  /// The second is for a table whose nodes are in another database.
  std::vector<cluster_shard> begin_moves(const std::vector<shard_change>& moves, size_t moving_max);
  std::vector<cluster_shard> begin_moves(const std::vector<shard_change>& moves, size_t moving_max,
                                         const cluster_rules::node_test& may_receive);
  std::vector<cluster_shard> assign(const std::vector<shard_change>& changes);
  std::vector<cluster_shard> assign(const std::vector<shard_change>& changes,
                                    const cluster_rules::node_test& may_receive);
  void cancel_moves(const std::vector<shard_change>& moves);
  void release(incarnation_id owner);
  caf::error claim(const std::string& cluster);
  shard_table::content content() const;

 private:
  struct stored_node {
    cluster_node node;
    int64_t died_ms = 0;
  };

  std::vector<cluster_node> nodes() const;
  std::vector<cluster_shard> shards() const;
  bool move_on(incarnation_id node, node_state from, node_state to);
  static void declare_dead(stored_node& n, int64_t now_ms);

  const std::function<int64_t()> clock_ms_;
  std::string cluster_;
  incarnation_id last_ = 0;
  std::map<incarnation_id, stored_node> nodes_;
  cluster_rules::shard_rows shards_;
};

/// Sessions of one memory store; they share its tables.
std::unique_ptr<cluster_store> make_memory_cluster(std::shared_ptr<memory_shared> shared);
std::unique_ptr<shard_table> make_memory_shards(std::shared_ptr<memory_shared> shared);

} // namespace beckon::storage
