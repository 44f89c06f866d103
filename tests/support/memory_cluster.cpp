#include "tests/support/memory_cluster.hpp"

#include "base/clock.hpp"
#include "decision/hash.hpp"
#include "storage/error.hpp"
#include "tests/support/memory_tables.hpp"

#include <chrono>
#include <utility>

namespace beckon::storage {

namespace {

bool anybody(incarnation_id) {
  return true;
}

} // namespace

memory_cluster_tables::memory_cluster_tables(std::function<int64_t()> clock_ms)
    : clock_ms_(clock_ms ? std::move(clock_ms) : &base::unix_ms) {
  for (uint16_t i = 0; i < decision::shard_count; ++i)
    shards_[i].shard = i;
}

bool memory_cluster_tables::holds(const shard_fence& named) const {
  auto found = shards_.find(named.shard);
  return found != shards_.end() && found->second.owner == named.held.owner
         && found->second.epoch == named.held.epoch;
}

// -- nodes ----------------------------------------------------------------------------------------

caf::error memory_cluster_tables::claim(const std::string& cluster) {
  if (auto err = cluster_rules::check_name("memory", cluster_, cluster))
    return err;
  cluster_ = cluster;
  return {};
}

caf::expected<incarnation_id> memory_cluster_tables::join(const joining_node& node) {
  if (auto err = cluster_rules::check(node))
    return err;
  if (auto err = claim(node.cluster))
    return err;
  const auto now = clock_ms_();
  for (auto& [id, n] : nodes_)
    if (n.node.identity == node.identity)
      declare_dead(n, now);
  auto& n = nodes_[++last_].node;
  n.incarnation = last_;
  n.name = node.name;
  n.identity = node.identity;
  n.address = node.address;
  n.http = node.http;
  n.version = node.version;
  n.lease_until_ms = now + node.lease_ms;
  n.heartbeat_ms = now;
  return last_;
}

caf::expected<cluster_picture> memory_cluster_tables::beat(const heartbeat& h) {
  if (auto err = cluster_rules::check(h))
    return err;
  auto found = nodes_.find(h.self);
  if (found != nodes_.end() && found->second.node.state != node_state::dead) {
    auto& n = found->second.node;
    n.heartbeat_ms = clock_ms_();
    n.lease_until_ms = n.heartbeat_ms + h.lease_ms;
    n.suspects = h.suspects;
  }
  return look();
}

cluster_picture memory_cluster_tables::look() const {
  return {clock_ms_(), cluster_, nodes(), shards(), {}};
}

std::vector<cluster_node> memory_cluster_tables::nodes() const {
  std::vector<cluster_node> out;
  for (const auto& n : nodes_)
    out.push_back(n.second.node);
  return out;
}

bool memory_cluster_tables::move_on(incarnation_id node, node_state from, node_state to) {
  auto found = nodes_.find(node);
  if (found == nodes_.end())
    return false;
  auto& state = found->second.node.state;
  if (state == from)
    state = to;
  return state == to;
}

bool memory_cluster_tables::activate(incarnation_id node) {
  return move_on(node, node_state::joining, node_state::active);
}

bool memory_cluster_tables::drain(incarnation_id node) {
  return move_on(node, node_state::joining, node_state::draining)
         || move_on(node, node_state::active, node_state::draining);
}

void memory_cluster_tables::leave(incarnation_id node) {
  nodes_.erase(node);
  release(node);
}

std::vector<incarnation_id> memory_cluster_tables::bury(const std::vector<incarnation_id>& asked,
                                                        const burial_rule& rule) {
  const auto now = clock_ms_();
  auto dead = cluster_rules::dead_of(nodes(), asked, rule, now);
  for (auto id : dead)
    declare_dead(nodes_.at(id), now);
  return dead;
}

void memory_cluster_tables::declare_dead(stored_node& n, int64_t now_ms) {
  if (n.node.state == node_state::dead)
    return;
  n.node.state = node_state::dead;
  n.died_ms = now_ms;
}

void memory_cluster_tables::forget_dead(int64_t older_than_ms) {
  const auto until = clock_ms_() - older_than_ms;
  for (auto i = nodes_.begin(); i != nodes_.end();) {
    const auto& n = i->second;
    i = n.node.state == node_state::dead && n.died_ms <= until ? nodes_.erase(i) : std::next(i);
  }
}

// -- shards ---------------------------------------------------------------------------------------

std::vector<cluster_shard> memory_cluster_tables::shards() const {
  std::vector<cluster_shard> out;
  for (const auto& s : shards_)
    out.push_back(s.second);
  return out;
}

shard_table::content memory_cluster_tables::content() const {
  return {cluster_, shards()};
}

std::vector<cluster_shard> memory_cluster_tables::begin_moves(const std::vector<shard_change>& moves,
                                                              size_t moving_max) {
  return begin_moves(moves, moving_max,
                     [this](incarnation_id id) { return cluster_rules::is_active(nodes(), id); });
}

std::vector<cluster_shard> memory_cluster_tables::begin_moves(const std::vector<shard_change>& moves,
                                                              size_t moving_max,
                                                              const cluster_rules::node_test& may_receive) {
  size_t draining = 0;
  for (const auto& s : shards_)
    draining += s.second.state == shard_state::draining ? 1 : 0;
  return cluster_rules::begin_moves(shards_, moves, moving_max, draining, may_receive);
}

std::vector<cluster_shard> memory_cluster_tables::assign(const std::vector<shard_change>& changes) {
  return assign(changes, [this](incarnation_id id) { return cluster_rules::may_own(nodes(), id); });
}

std::vector<cluster_shard> memory_cluster_tables::assign(const std::vector<shard_change>& changes,
                                                         const cluster_rules::node_test& may_receive) {
  return cluster_rules::assign(shards_, changes, may_receive);
}

void memory_cluster_tables::cancel_moves(const std::vector<shard_change>& moves) {
  cluster_rules::cancel_moves(shards_, moves);
}

void memory_cluster_tables::release(incarnation_id owner) {
  if (owner != 0)
    cluster_rules::release(shards_, owner);
}

// -- sessions -------------------------------------------------------------------------------------

namespace {

class memory_cluster : public cluster_store {
 public:
  explicit memory_cluster(std::shared_ptr<memory_shared> shared) : shared_(std::move(shared)) {}

  caf::expected<incarnation_id> join(const joining_node& node) override {
    return with_tables(*shared_, [&](auto& t) { return t.cluster.join(node); });
  }
  caf::expected<cluster_picture> beat(const heartbeat& h) override {
    return with_tables(*shared_, [&](auto& t) { return t.cluster.beat(h); });
  }
  caf::expected<cluster_picture> look() override {
    return with_tables(*shared_, [](auto& t) { return t.cluster.look(); });
  }
  caf::expected<bool> activate(incarnation_id node) override {
    return with_tables(*shared_, [&](auto& t) { return t.cluster.activate(node); });
  }
  caf::expected<bool> drain(incarnation_id node) override {
    return with_tables(*shared_, [&](auto& t) { return t.cluster.drain(node); });
  }
  caf::error leave(incarnation_id node) override {
    with_tables(*shared_, [&](auto& t) { t.cluster.leave(node); });
    return {};
  }
  caf::expected<std::vector<incarnation_id>> bury(const std::vector<incarnation_id>& nodes,
                                                  const burial_rule& rule) override {
    return with_tables(*shared_, [&](auto& t) { return t.cluster.bury(nodes, rule); });
  }
  caf::expected<std::vector<cluster_shard>> begin_moves(const std::vector<shard_change>& moves,
                                                        size_t moving_max) override {
    return with_tables(*shared_, [&](auto& t) { return t.cluster.begin_moves(moves, moving_max); });
  }
  caf::expected<std::vector<cluster_shard>> assign(const std::vector<shard_change>& changes) override {
    return with_tables(*shared_, [&](auto& t) { return t.cluster.assign(changes); });
  }
  caf::error cancel_moves(const std::vector<shard_change>& moves) override {
    with_tables(*shared_, [&](auto& t) { t.cluster.cancel_moves(moves); });
    return {};
  }
  caf::error forget_dead(int64_t older_than_ms) override {
    with_tables(*shared_, [&](auto& t) { t.cluster.forget_dead(older_than_ms); });
    return {};
  }

 private:
  std::shared_ptr<memory_shared> shared_;
};

class memory_shards : public shard_table {
 public:
  explicit memory_shards(std::shared_ptr<memory_shared> shared) : shared_(std::move(shared)) {}

  caf::expected<content> load() override {
    return with_tables(*shared_, [](auto& t) { return t.cluster.content(); });
  }
  caf::error claim(const std::string& cluster) override {
    return with_tables(*shared_, [&](auto& t) { return t.cluster.claim(cluster); });
  }
  caf::expected<std::vector<cluster_shard>> begin_moves(const std::vector<shard_change>& moves,
                                                        size_t moving_max) override {
    return with_tables(*shared_, [&](auto& t) { return t.cluster.begin_moves(moves, moving_max, anybody); });
  }
  caf::expected<std::vector<cluster_shard>> assign(const std::vector<shard_change>& changes) override {
    return with_tables(*shared_, [&](auto& t) { return t.cluster.assign(changes, anybody); });
  }
  caf::error cancel_moves(const std::vector<shard_change>& moves) override {
    with_tables(*shared_, [&](auto& t) { t.cluster.cancel_moves(moves); });
    return {};
  }
  caf::error release(incarnation_id owner) override {
    with_tables(*shared_, [&](auto& t) { t.cluster.release(owner); });
    return {};
  }

 private:
  std::shared_ptr<memory_shared> shared_;
};

} // namespace

std::unique_ptr<cluster_store> make_memory_cluster(std::shared_ptr<memory_shared> shared) {
  return std::make_unique<memory_cluster>(std::move(shared));
}

std::unique_ptr<shard_table> make_memory_shards(std::shared_ptr<memory_shared> shared) {
  return std::make_unique<memory_shards>(std::move(shared));
}

} // namespace beckon::storage
