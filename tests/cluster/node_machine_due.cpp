#define CAF_SUITE cluster.node_machine_due

#include "node_machine_rig.hpp"

#include <limits>
#include <random>

using namespace beckon;
using namespace beckon::cluster;
using namespace beckon::cluster::test;

namespace {

constexpr int64_t never = std::numeric_limits<int64_t>::max();

struct due_rig : machine_rig {
  std::mt19937 dice{7};
  size_t waited = 0;

  /// Between now and the time that the machine names it has nothing to do, whoever asks it and when. It may
  /// note that it was asked, so copies of it are asked.
  void check_silence() {
    auto due = m.due_ms(now_ms);
    CAF_REQUIRE(due > now_ms);
    CAF_REQUIRE(due != never);
    for (auto at = now_ms + 1; at < due; ++at) {
      auto asked = m;
      if (auto call = asked.next_call(at))
        CAF_FAIL(name_of(call) << " at " << at - now_ms << " ms, and due was named " << due - now_ms
                               << " ms");
    }
    waited += static_cast<size_t>(due - now_ms);
  }

  /// Answers what is asked for until nothing is, then goes to the time that the machine names.
  void live_on() {
    while (auto call = next()) {
      if (dice() % 8 == 0)
        m.failed(now_ms);
      else
        std::visit([this](const auto& c) { answer(c); }, *call);
    }
    check_silence();
    now_ms = m.due_ms(now_ms);
  }

  void answer(const join_call&) { m.joined(self, now_ms); }
  void answer(const beat_call&) { answer_beat(); }
  void answer(const activate_call&) { m.activated(true); }
  void answer(const drain_call&) { m.drain_noted(true); }
  void answer(const leave_call&) { m.has_left(); }
  void answer(const bury_call& c) {
    for (auto id : c.nodes)
      node(id).state = storage::node_state::dead;
    m.buried(c.nodes);
  }
  void answer(const begin_moves_call& c) {
    std::vector<storage::cluster_shard> rows;
    for (const auto& move : c.moves) {
      auto& row = tables.shards[move.shard];
      row.state = storage::shard_state::draining;
      row.next_owner = move.to;
      rows.push_back(row);
    }
    m.moves_begun(rows, now_ms);
  }
  void answer(const assign_call& c) {
    std::vector<storage::cluster_shard> rows;
    for (const auto& change : c.changes)
      rows.push_back(give(change.shard, change.to));
    m.assigned(rows, now_ms);
  }
  void answer(const cancel_moves_call& c) {
    for (const auto& move : c.moves)
      give(move.shard, tables.shards[move.shard].owner);
    m.moves_cancelled();
  }
  storage::cluster_shard give(uint16_t shard, storage::incarnation_id to) {
    auto& row = tables.shards[shard];
    row = {shard, to, row.epoch + 1, storage::shard_state::owned, 0, true};
    return row;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(node_machine_due_tests, due_rig)

CAF_TEST(a quiet node waits for its next heartbeat) {
  node(2);
  share_out();
  become_active();
  while (next())
    answer_beat();
  CAF_CHECK_EQUAL(m.due_ms(now_ms), now_ms + options.heartbeat_ms);
}

CAF_TEST(nothing is due before the time that was named) {
  node(2);
  node(3);
  share_out();
  become_active();
  for (int turn = 0; turn < 400; ++turn) {
    live_on();
    auto peer = storage::incarnation_id{2 + dice() % 2};
    switch (dice() % 12) {
    case 0:
      m.link_changed(peer, dice() % 2 == 0, now_ms);
      break;
    case 1:
      give(static_cast<uint16_t>(dice() % decision::shard_count), self);
      m.look_soon();
      break;
    case 2: {
      auto shard = static_cast<uint16_t>(dice() % decision::shard_count);
      m.hinted(shard, peer, tables.shards[shard].epoch + 1, now_ms);
      break;
    }
    case 3:
      node(peer).state = storage::node_state::active;
      break;
    default:
      if (dice() % 2 == 0 && node(peer).state != storage::node_state::dead)
        renew(peer);
    }
  }
  CAF_CHECK(waited > 10'000);
}

CAF_TEST_FIXTURE_SCOPE_END()
