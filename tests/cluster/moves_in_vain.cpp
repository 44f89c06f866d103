#define CAF_SUITE cluster.moves_in_vain
#include "cluster/node_machine.hpp"
#include "tests/cluster/usual_times.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <variant>

using namespace beckon;
using namespace beckon::cluster;
using storage::node_state;
using storage::shard_state;

namespace {

storage::cluster_node node(storage::incarnation_id id, node_state state) {
  storage::cluster_node n;
  n.incarnation = id;
  n.state = state;
  n.lease_until_ms = 1'000'000;
  return n;
}

/// Node 1, which drains, and node 2, with the tables as a test wants them.
struct fixture {
  storage::cluster_picture tables;
  node_machine machine{test::usual_times()};
  int64_t now_ms = 0;

  fixture() {
    tables.nodes = {node(1, node_state::active), node(2, node_state::active)};
    for (uint16_t i = 0; i < decision::shard_count; ++i)
      tables.shards.push_back({i, 1, 1, shard_state::owned, 0, true});
    machine.joined(1, now_ms);
    look();
    machine.link_changed(2, true, now_ms);
    machine.drain();
    machine.allow_leaving();
    CAF_REQUIRE(std::holds_alternative<drain_call>(next()));
    tables.nodes[0].state = node_state::draining;
    machine.drain_noted(true);
    look();
  }

  cluster_call next() {
    auto call = machine.next_call(now_ms);
    CAF_REQUIRE(call.has_value());
    return *call;
  }

  void look() {
    now_ms += 5000;
    CAF_REQUIRE(std::holds_alternative<beat_call>(next()));
    machine.beaten(tables, now_ms, now_ms);
  }

  /// Begins a move to node 2, which its shard finishes at once.
  void hand_over() {
    auto moves = std::get<begin_moves_call>(next()).moves;
    CAF_REQUIRE(!moves.empty());
    std::vector<storage::cluster_shard> rows;
    for (const auto& m : moves) {
      auto& row = tables.shards[m.shard];
      row.state = shard_state::draining;
      row.next_owner = m.to;
      rows.push_back(row);
    }
    machine.moves_begun(rows, now_ms);
    for (const auto& row : rows)
      machine.handed_over(row.shard, row.epoch);
  }

  void cancel() {
    auto cancelled = std::get<cancel_moves_call>(next()).moves;
    CAF_CHECK_EQUAL(cancelled.size(), test::usual_times().moves_max);
    for (const auto& m : cancelled)
      tables.shards[m.shard] = {m.shard, m.owner, m.epoch, shard_state::owned, 0, true};
    machine.moves_cancelled();
    look();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(moves_in_vain_tests, fixture)

CAF_TEST(shards that were handed over get their next owner) {
  hand_over();
  CAF_CHECK(std::holds_alternative<assign_call>(next()));
}

CAF_TEST(a drain ends although the next owner drains as well) {
  hand_over();
  tables.nodes[1].state = node_state::draining;
  look();
  cancel();
  CAF_CHECK(machine.is_drained());
  CAF_CHECK(std::holds_alternative<leave_call>(next()));
}

CAF_TEST(a drain goes on to another node when the next owner is gone) {
  hand_over();
  tables.nodes[1] = node(3, node_state::active);
  look();
  machine.link_changed(3, true, now_ms);
  cancel();
  CAF_CHECK(!machine.is_drained());
  auto moves = std::get<begin_moves_call>(next()).moves;
  CAF_CHECK(std::all_of(moves.begin(), moves.end(), [](const auto& m) { return m.to == 3; }));
}

CAF_TEST_FIXTURE_SCOPE_END()
