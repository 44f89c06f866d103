#define CAF_SUITE cluster.node_machine_moves

#include "node_machine_rig.hpp"

#include <algorithm>

using namespace beckon;
using namespace beckon::cluster;
using namespace beckon::cluster::test;
using storage::cluster_shard;
using storage::node_state;
using storage::shard_state;

namespace {

struct moves_rig : machine_rig {
  /// The tables do what is asked, as cluster_store does; returns the rows.
  std::vector<cluster_shard> begin(const begin_moves_call& call) {
    std::vector<cluster_shard> rows;
    for (const auto& c : call.moves) {
      auto& row = tables.shards[c.shard];
      row.state = shard_state::draining;
      row.next_owner = c.to;
      rows.push_back(row);
    }
    return rows;
  }
  std::vector<cluster_shard> assign(const assign_call& call) {
    std::vector<cluster_shard> rows;
    for (const auto& c : call.changes) {
      auto& row = tables.shards[c.shard];
      row = {c.shard, c.to, c.epoch + 1, shard_state::owned, 0, true};
      rows.push_back(row);
    }
    return rows;
  }
  void carry_out(const cluster_call& call) {
    if (const auto* moves = std::get_if<begin_moves_call>(&call)) {
      m.moves_begun(begin(*moves), now_ms);
    } else if (const auto* changes = std::get_if<assign_call>(&call)) {
      m.assigned(assign(*changes), now_ms);
    } else if (const auto* cancelled = std::get_if<cancel_moves_call>(&call)) {
      for (const auto& c : cancelled->moves) {
        tables.shards[c.shard].state = shard_state::owned;
        tables.shards[c.shard].next_owner = 0;
      }
      m.moves_cancelled();
    } else {
      CAF_FAIL("not a call about shards: " << name_of(call));
    }
  }
  /// The node owns all shards, and another node exists.
  void own_all_beside(storage::incarnation_id id) {
    node(id);
    own(self, 0, 256);
    become_active();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(node_machine_moves_tests, moves_rig)

CAF_TEST(a node gives its surplus away a few shards at a time) {
  own_all_beside(2);
  size_t moved = 0;
  for (int round = 0; round < 200; ++round) {
    auto call = work(400, {2});
    if (!call)
      break;
    CAF_REQUIRE_EQUAL(name_of(call), "begin_moves");
    const auto& moves = std::get<begin_moves_call>(*call).moves;
    CAF_REQUIRE(moves.size() <= options.moves_max);
    carry_out(*call);
    for (const auto& c : moves) {
      CAF_CHECK(phase_of(c.shard) == shard_phase::handing_over);
      m.handed_over(c.shard, c.epoch);
    }
    call = work(400, {2});
    CAF_REQUIRE_EQUAL(name_of(call), "assign");
    CAF_REQUIRE_EQUAL(std::get<assign_call>(*call).changes.size(), moves.size());
    carry_out(*call);
    CAF_CHECK_EQUAL(m.take_news().size(), moves.size());
    for (const auto& c : moves)
      CAF_CHECK(phase_of(c.shard) == shard_phase::elsewhere);
    moved += moves.size();
  }
  CAF_CHECK_EQUAL(moved, 128u);
  CAF_CHECK_EQUAL(m.shards_owned(), 128u);
}

CAF_TEST(nothing moves to a node without a link or while a node is silent) {
  own_all_beside(2);
  m.link_changed(2, false, now_ms);
  CAF_CHECK_EQUAL(name_of(work(3000, {2})), "none");
  m.link_changed(2, true, now_ms);
  CAF_CHECK_EQUAL(name_of(work(3000, {2})), "begin_moves");
  CAF_MESSAGE("and a third that does not renew its lease stops it");
  machine_rig r;
  r.node(2);
  r.node(3);
  r.own(1, 0, 256);
  r.become_active();
  r.node(3).heartbeat_ms -= r.options.silent_ms + 1;
  r.now_ms += r.options.heartbeat_ms;
  CAF_REQUIRE_EQUAL(name_of(r.next()), "beat");
  r.renew(2);
  r.answer_beat();
  CAF_CHECK_EQUAL(name_of(r.next()), "none");
}

CAF_TEST(a shard that does not get finished stays) {
  own_all_beside(2);
  auto call = work(400, {2});
  CAF_REQUIRE_EQUAL(name_of(call), "begin_moves");
  carry_out(*call);
  auto begun = now_ms;
  auto shard = std::get<begin_moves_call>(*call).moves.front().shard;
  CAF_CHECK(phase_of(shard) == shard_phase::handing_over);
  call = work(2 * options.hand_over_ms, {2});
  CAF_REQUIRE_EQUAL(name_of(call), "cancel_moves");
  CAF_CHECK(now_ms - begun >= options.hand_over_ms);
  CAF_CHECK_EQUAL(std::get<cancel_moves_call>(*call).moves.size(), options.moves_max);
  carry_out(*call);
  work(200, {2});
  CAF_CHECK(phase_of(shard) == shard_phase::serving);
  CAF_CHECK_EQUAL(m.shard(shard).epoch, 1u);
}

CAF_TEST(a hand - over that comes late or of another epoch is nothing) {
  own_all_beside(2);
  auto call = work(400, {2});
  CAF_REQUIRE_EQUAL(name_of(call), "begin_moves");
  carry_out(*call);
  auto shard = std::get<begin_moves_call>(*call).moves.front().shard;
  m.handed_over(shard, 77);
  m.handed_over(static_cast<uint16_t>(shard + 1), 77);
  CAF_CHECK_EQUAL(name_of(work(1000, {2})), "none");
}

CAF_TEST(moves whose beginning has an unknown outcome are taken back) {
  own_all_beside(2);
  auto call = work(400, {2});
  CAF_REQUIRE_EQUAL(name_of(call), "begin_moves");
  begin(std::get<begin_moves_call>(*call)); // it was carried out
  m.failed(now_ms);
  call = work(2000, {2});
  CAF_REQUIRE_EQUAL(name_of(call), "cancel_moves");
  CAF_CHECK_EQUAL(std::get<cancel_moves_call>(*call).moves.size(), options.moves_max);
}

CAF_TEST(an assignment whose outcome is unknown shows in the tables) {
  own_all_beside(2);
  auto call = work(400, {2});
  CAF_REQUIRE_EQUAL(name_of(call), "begin_moves");
  carry_out(*call);
  const auto moves = std::get<begin_moves_call>(*call).moves;
  for (const auto& c : moves)
    m.handed_over(c.shard, c.epoch);
  call = work(400, {2});
  CAF_REQUIRE_EQUAL(name_of(call), "assign");
  assign(std::get<assign_call>(*call)); // it was carried out
  m.failed(now_ms);
  CAF_CHECK(phase_of(moves[0].shard) == shard_phase::handing_over);
  call = work(options.retry_ms + 200, {2});
  CAF_CHECK(phase_of(moves[0].shard) == shard_phase::elsewhere);
  CAF_CHECK_EQUAL(m.shard(moves[0].shard).epoch, 2u);
  CAF_MESSAGE("one that was not carried out is tried again");
  CAF_REQUIRE_EQUAL(name_of(call), "begin_moves");
  carry_out(*call);
  for (const auto& c : std::get<begin_moves_call>(*call).moves)
    m.handed_over(c.shard, c.epoch);
  CAF_REQUIRE_EQUAL(name_of(work(400, {2})), "assign");
  m.failed(now_ms);
  CAF_CHECK_EQUAL(name_of(work(options.retry_ms + 200, {2})), "assign");
}

CAF_TEST(ownerless shards are given to their planned owners) {
  node(2);
  become_active();
  auto call = work(1000, {2});
  CAF_REQUIRE_EQUAL(name_of(call), "assign");
  const auto& changes = std::get<assign_call>(*call).changes;
  CAF_CHECK_EQUAL(changes.size(), 256u);
  auto mine = std::count_if(changes.begin(), changes.end(), [](const auto& c) { return c.to == self; });
  CAF_CHECK_EQUAL(mine, 128);
  carry_out(*call);
  CAF_CHECK_EQUAL(m.shards_owned(), 128u);
  CAF_CHECK_EQUAL(m.shards_without_owner(), 0u);
}

CAF_TEST(ownerless shards go to no node in doubt) {
  node(2);
  become_active();
  m.link_changed(2, false, now_ms);
  now_ms += options.suspect_after_ms;
  auto call = work(3000, {2});
  CAF_REQUIRE_EQUAL(name_of(call), "assign");
  for (const auto& c : std::get<assign_call>(*call).changes)
    CAF_CHECK_EQUAL(c.to, self);
}

CAF_TEST(rows that could not be read are left as they are) {
  own_all_beside(2);
  CAF_CHECK(phase_of(9) == shard_phase::serving);
  for (auto& row : tables.shards)
    row = {row.shard, 0, 0, shard_state::owned, 0, false};
  m.look_soon();
  auto call = work(options.pace_ms, {2});
  CAF_CHECK(name_of(call) != "assign");
  CAF_CHECK_EQUAL(m.shards_owned(), 256u);
}

CAF_TEST(shards that could never be read are not given away) {
  for (auto& row : tables.shards)
    row.known = false;
  become_active();
  CAF_CHECK_EQUAL(name_of(work(3000)), "none");
  for (auto& row : tables.shards)
    row.known = true;
  CAF_CHECK_EQUAL(name_of(work(3000)), "assign");
}

CAF_TEST(a hint is believed until the tables say otherwise) {
  own_all_beside(2);
  CAF_REQUIRE(m.shard(4).owner == self);
  m.hinted(4, 2, 2, now_ms);
  CAF_CHECK(phase_of(4) == shard_phase::elsewhere);
  CAF_MESSAGE("the tables do not have it: it was a lie, or came too early");
  now_ms += options.pace_ms;
  CAF_REQUIRE_EQUAL(name_of(next()), "beat");
  renew(2);
  answer_beat();
  CAF_CHECK(phase_of(4) == shard_phase::serving);
  CAF_MESSAGE("what came after the tables were read is ahead of them");
  now_ms += options.heartbeat_ms;
  CAF_REQUIRE_EQUAL(name_of(next()), "beat");
  auto sent = now_ms;
  now_ms += 50;
  m.hinted(4, 2, 2, now_ms);
  renew(2);
  renew(self);
  tables.now_ms = database_ms();
  m.beaten(tables, sent, now_ms);
  CAF_CHECK(phase_of(4) == shard_phase::elsewhere);
  CAF_MESSAGE("old news are none");
  m.hinted(5, 2, 1, now_ms);
  CAF_CHECK(m.shard(5).owner == self);
}

CAF_TEST(a shard being handed over is not reported as elsewhere) {
  own_all_beside(2);
  auto call = work(400, {2});
  CAF_REQUIRE_EQUAL(name_of(call), "begin_moves");
  carry_out(*call);
  auto shard = std::get<begin_moves_call>(*call).moves.front().shard;
  m.hinted(shard, 2, 9, now_ms);
  CAF_CHECK(phase_of(shard) == shard_phase::handing_over);
}

// -- the end

CAF_TEST(a node that drains gives everything away and leaves) {
  own_all_beside(2);
  m.drain();
  CAF_CHECK(!m.is_drained());
  auto call = work(400, {2});
  CAF_REQUIRE_EQUAL(name_of(call), "drain");
  node(self).state = node_state::draining;
  m.drain_noted(true);
  for (int round = 0; round < 200 && !m.is_drained(); ++round) {
    call = work(400, {2});
    if (!call)
      continue;
    carry_out(*call);
    if (const auto* moves = std::get_if<begin_moves_call>(&*call))
      for (const auto& c : moves->moves)
        m.handed_over(c.shard, c.epoch);
  }
  CAF_CHECK(m.is_drained());
  CAF_CHECK_EQUAL(m.shards_owned(), 0u);
  CAF_MESSAGE("it stays a member until it may go: its outbox may hold something");
  CAF_CHECK_EQUAL(name_of(work(5000, {2})), "none");
  m.allow_leaving();
  CAF_CHECK_EQUAL(name_of(work(5000, {2})), "leave");
  m.has_left();
  CAF_CHECK(m.phase() == node_phase::left);
  CAF_CHECK_EQUAL(m.lease_until_ms(), 0);
  now_ms += 60'000;
  CAF_CHECK_EQUAL(name_of(next()), "none");
}

CAF_TEST(the last node has no receiver for its shards) {
  own(self, 0, 256);
  become_active();
  m.drain();
  CAF_REQUIRE_EQUAL(name_of(work(400)), "drain");
  node(self).state = node_state::draining;
  m.drain_noted(true);
  work(400);
  CAF_CHECK(m.is_drained());
  CAF_CHECK_EQUAL(m.shards_owned(), 256u);
}

CAF_TEST(a node that is not a member has nothing to give away and does not join to do so) {
  m.drain();
  CAF_CHECK(m.is_drained());
  CAF_CHECK_EQUAL(name_of(next()), "none");
}

CAF_TEST(a leave whose outcome is unknown ends as an expulsion and is not followed by a join) {
  own(2, 0, 256);
  node(2);
  become_active();
  m.drain();
  m.allow_leaving();
  CAF_REQUIRE_EQUAL(name_of(work(400, {2})), "drain");
  node(self).state = node_state::draining;
  m.drain_noted(true);
  CAF_REQUIRE_EQUAL(name_of(work(400, {2})), "leave");
  tables.nodes.erase(std::remove_if(tables.nodes.begin(), tables.nodes.end(),
                                    [](const auto& n) { return n.incarnation == self; }),
                     tables.nodes.end());
  m.failed(now_ms);
  CAF_CHECK_EQUAL(name_of(work(5000, {2})), "none");
  CAF_CHECK(m.is_drained());
}

CAF_TEST(an operator may drain a node through the tables) {
  own_all_beside(2);
  node(self).state = node_state::draining;
  now_ms += options.heartbeat_ms;
  CAF_CHECK_EQUAL(name_of(work(400, {2})), "begin_moves");
  CAF_CHECK(m.phase() == node_phase::draining);
}

CAF_TEST_FIXTURE_SCOPE_END()
