#pragma once

#include "cluster/node_machine.hpp"
#include "tests/cluster/usual_times.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace beckon::cluster::test {

inline std::string name_of(const std::optional<cluster_call>& call) {
  static const char* names[] = {"join", "beat",        "activate", "drain",       "leave",
                                "bury", "begin_moves", "assign",   "cancel_moves"};
  return call ? names[call->index()] : "none";
}

/// One machine and tables that the test writes. Its node is incarnation 1.
struct machine_rig {
  static constexpr storage::incarnation_id self = 1;

  machine_options options = test::usual_times();
  node_machine m{options};
  int64_t now_ms = 100'000; // steady; the database's clock is ahead by:
  static constexpr int64_t ahead_ms = 5'000'000;
  storage::cluster_picture tables;

  machine_rig() {
    tables.cluster = "c";
    for (uint16_t i = 0; i < decision::shard_count; ++i)
      tables.shards.push_back({i, 0, 0, storage::shard_state::owned, 0, true});
  }

  int64_t database_ms() const { return now_ms + ahead_ms; }

  /// The row of a node, made active with a fresh lease if there is none yet.
  storage::cluster_node& node(storage::incarnation_id id) {
    auto at = std::find_if(tables.nodes.begin(), tables.nodes.end(),
                           [id](const auto& n) { return n.incarnation >= id; });
    if (at != tables.nodes.end() && at->incarnation == id)
      return *at;
    storage::cluster_node n;
    n.incarnation = id;
    n.state = storage::node_state::active;
    tables.nodes.insert(at, n);
    renew(id);
    return node_at(id);
  }
  void renew(storage::incarnation_id id) {
    auto& n = node_at(id);
    n.heartbeat_ms = database_ms();
    n.lease_until_ms = database_ms() + options.lease_ms;
  }
  storage::cluster_node& node_at(storage::incarnation_id id) {
    for (auto& n : tables.nodes)
      if (n.incarnation == id)
        return n;
    CAF_FAIL("no such node");
  }
  void own(storage::incarnation_id id, uint16_t from, uint16_t to, uint64_t epoch = 1) {
    for (auto i = from; i < to; ++i)
      tables.shards[i] = {i, id, epoch, storage::shard_state::owned, 0, true};
  }

  /// As many shards for each as for the others: nothing is to be moved.
  void share_out() {
    node(self);
    for (uint16_t i = 0; i < decision::shard_count; ++i)
      own(tables.nodes[i % tables.nodes.size()].incarnation, i, static_cast<uint16_t>(i + 1));
  }

  std::optional<cluster_call> next() { return m.next_call(now_ms); }

  /// What the call under way brings: the tables as they are, with this node's lease renewed.
  void answer_beat() {
    if (find(self))
      renew(self);
    tables.now_ms = database_ms();
    m.beaten(tables, now_ms, now_ms);
  }
  const storage::cluster_node* find(storage::incarnation_id id) const {
    for (const auto& n : tables.nodes)
      if (n.incarnation == id)
        return &n;
    return nullptr;
  }

  /// Answers beats, and lets time pass, until something else is to be done, at most for so long.
  std::optional<cluster_call> work(int64_t ms, const std::vector<storage::incarnation_id>& living = {}) {
    for (auto until = now_ms + ms; now_ms <= until; now_ms += 10) {
      auto call = next();
      if (!call)
        continue;
      if (!std::holds_alternative<beat_call>(*call))
        return call;
      for (auto id : living)
        renew(id);
      last_suspects = std::get<beat_call>(*call).suspects;
      answer_beat();
    }
    return std::nullopt;
  }

  /// Becomes a member that is active, with links to all that are in the tables, and knows of all that it
  /// owns.
  void become_active() {
    CAF_REQUIRE_EQUAL(name_of(next()), "join");
    node(self).state = storage::node_state::joining;
    m.joined(self, now_ms);
    CAF_REQUIRE_EQUAL(name_of(next()), "beat");
    answer_beat();
    for (const auto& n : tables.nodes)
      m.link_changed(n.incarnation, true, now_ms);
    CAF_REQUIRE_EQUAL(name_of(next()), "activate");
    node(self).state = storage::node_state::active;
    m.activated(true);
    now_ms += options.pace_ms;
    CAF_REQUIRE_EQUAL(name_of(next()), "beat");
    answer_beat();
    CAF_REQUIRE(m.phase() == node_phase::active);
    phase_of(0);
  }

  shard_phase phase_of(uint16_t shard) {
    for (const auto& o : m.take_orders())
      orders[o.shard] = o;
    return orders.count(shard) == 0 ? shard_phase::nobody : orders[shard].phase;
  }

  std::vector<storage::incarnation_id> last_suspects;
  std::map<uint16_t, shard_order> orders;
};

} // namespace beckon::cluster::test
