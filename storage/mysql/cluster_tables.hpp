#pragma once

#include "storage/cluster_rules.hpp"
#include "storage/cluster_store.hpp"
#include "storage/mysql/statement.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace beckon::storage::mysql {

/// Statements on the cluster's tables, inside a transaction that the caller opens and ends. Throws failure.
/// Used by one thread at a time.
class cluster_tables {
 public:
  using clock = std::chrono::steady_clock;

  explicit cluster_tables(connection& db);

  /// After this moment no statement starts: unavailable instead.
  void set_deadline(clock::time_point deadline) { deadline_ = deadline; }
  const std::string& name() const { return db_.name(); }

  /// Takes the turn to change members or owners, holds it until the transaction ends, and returns the
  /// cluster's name.
  std::string take_turn();
  void name_cluster(const std::string& cluster);
  std::string cluster();
  /// By the server's clock. Call it after anything that may have waited for a lock.
  int64_t now_ms();

  std::vector<cluster_node> nodes();
  /// The same, and blocks renewals of their leases until the transaction ends.
  std::vector<cluster_node> lock_nodes();
  incarnation_id add_node(const joining_node& node, int64_t now_ms);
  void renew(const heartbeat& h);
  void set_state(incarnation_id node, node_state state);
  void declare_dead(incarnation_id node, int64_t now_ms);
  void declare_dead(const std::string& identity, int64_t now_ms);
  void remove_node(incarnation_id node);
  void forget_dead(int64_t died_until_ms);

  std::vector<cluster_shard> shards();
  size_t draining();
  /// The rows of the changes, or of an owner. Their writers have finished, and others wait until the
  /// transaction ends.
  cluster_rules::shard_rows lock_shards(const std::vector<shard_change>& changes);
  cluster_rules::shard_rows lock_shards_of(incarnation_id owner);
  void store(const std::vector<cluster_shard>& shards);

 private:
  void check_time() const;
  std::vector<cluster_node> list(statement& s);
  cluster_rules::shard_rows lock(const values& numbers);
  cluster_node node_from(const rows& r) const;
  cluster_shard shard_from(const rows& r) const;
  [[noreturn]] void corrupt(const std::string& what) const;

  connection& db_;
  clock::time_point deadline_ = clock::time_point::max();

  statement lock_meta_;
  statement load_meta_;
  statement name_cluster_;
  statement now_;
  statement list_nodes_;
  statement lock_nodes_;
  statement add_node_;
  statement renew_;
  statement set_state_;
  statement bury_node_;
  statement bury_identity_;
  statement remove_node_;
  statement forget_dead_;
  statement list_shards_;
  statement list_shards_of_;
  statement count_draining_;
  key_batch lock_shards_;
  row_batch store_shards_;
};

} // namespace beckon::storage::mysql
