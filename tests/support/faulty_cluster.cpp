#include "tests/support/faulty_cluster.hpp"

#include <utility>

namespace beckon::storage {

namespace {

/// Calls `f` unless the plan refuses, and drops its result if the plan says so.
template <class F>
auto spoiled(fault_plan& plan, F&& f) -> decltype(f()) {
  auto fate = plan.consult(fault_plan::operation::cluster);
  if (fate.refused)
    return fate.refused;
  auto result = f();
  if (fate.lost)
    return fault_plan::lost_outcome();
  return result;
}

class faulty_cluster : public cluster_store {
 public:
  faulty_cluster(std::unique_ptr<cluster_store> inner, fault_plan plan)
      : inner_(std::move(inner)), plan_(std::move(plan)) {}

  caf::expected<incarnation_id> join(const joining_node& node) override {
    return spoiled(plan_, [&] { return inner_->join(node); });
  }
  caf::expected<cluster_picture> beat(const heartbeat& h) override {
    return spoiled(plan_, [&] { return inner_->beat(h); });
  }
  caf::expected<cluster_picture> look() override {
    return spoiled(plan_, [&] { return inner_->look(); });
  }
  caf::expected<bool> activate(incarnation_id node) override {
    return spoiled(plan_, [&] { return inner_->activate(node); });
  }
  caf::expected<bool> drain(incarnation_id node) override {
    return spoiled(plan_, [&] { return inner_->drain(node); });
  }
  caf::error leave(incarnation_id node) override {
    return spoiled(plan_, [&] { return inner_->leave(node); });
  }
  caf::expected<std::vector<incarnation_id>> bury(const std::vector<incarnation_id>& nodes,
                                                  const burial_rule& rule) override {
    return spoiled(plan_, [&] { return inner_->bury(nodes, rule); });
  }
  caf::expected<std::vector<cluster_shard>> begin_moves(const std::vector<shard_change>& moves,
                                                        size_t moving_max) override {
    return spoiled(plan_, [&] { return inner_->begin_moves(moves, moving_max); });
  }
  caf::expected<std::vector<cluster_shard>> assign(const std::vector<shard_change>& changes) override {
    return spoiled(plan_, [&] { return inner_->assign(changes); });
  }
  caf::error cancel_moves(const std::vector<shard_change>& moves) override {
    return spoiled(plan_, [&] { return inner_->cancel_moves(moves); });
  }
  caf::error forget_dead(int64_t older_than_ms) override {
    return spoiled(plan_, [&] { return inner_->forget_dead(older_than_ms); });
  }

 private:
  std::unique_ptr<cluster_store> inner_;
  fault_plan plan_;
};

class faulty_shards : public shard_table {
 public:
  faulty_shards(std::unique_ptr<shard_table> inner, fault_plan plan)
      : inner_(std::move(inner)), plan_(std::move(plan)) {}

  caf::expected<content> load() override {
    return spoiled(plan_, [&] { return inner_->load(); });
  }
  caf::error claim(const std::string& cluster) override {
    return spoiled(plan_, [&] { return inner_->claim(cluster); });
  }
  caf::expected<std::vector<cluster_shard>> begin_moves(const std::vector<shard_change>& moves,
                                                        size_t moving_max) override {
    return spoiled(plan_, [&] { return inner_->begin_moves(moves, moving_max); });
  }
  caf::expected<std::vector<cluster_shard>> assign(const std::vector<shard_change>& changes) override {
    return spoiled(plan_, [&] { return inner_->assign(changes); });
  }
  caf::error cancel_moves(const std::vector<shard_change>& moves) override {
    return spoiled(plan_, [&] { return inner_->cancel_moves(moves); });
  }
  caf::error release(incarnation_id owner) override {
    return spoiled(plan_, [&] { return inner_->release(owner); });
  }

 private:
  std::unique_ptr<shard_table> inner_;
  fault_plan plan_;
};

} // namespace

std::unique_ptr<cluster_store> make_faulty_cluster(std::unique_ptr<cluster_store> inner, fault_plan plan) {
  return std::make_unique<faulty_cluster>(std::move(inner), std::move(plan));
}

std::unique_ptr<shard_table> make_faulty_shards(std::unique_ptr<shard_table> inner, fault_plan plan) {
  return std::make_unique<faulty_shards>(std::move(inner), std::move(plan));
}

} // namespace beckon::storage
