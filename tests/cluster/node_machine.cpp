#define CAF_SUITE cluster.node_machine

#include "node_machine_rig.hpp"

#include <algorithm>

using namespace beckon;
using namespace beckon::cluster;
using namespace beckon::cluster::test;
using storage::node_state;
using storage::shard_state;

namespace {

using ids = std::vector<storage::incarnation_id>;

} // namespace

CAF_TEST_FIXTURE_SCOPE(node_machine_tests, machine_rig)

// -- joining and the lease

CAF_TEST(a node joins looks makes its links and becomes active) {
  node(2);
  CAF_CHECK_EQUAL(name_of(next()), "join");
  CAF_MESSAGE("one call at a time");
  CAF_CHECK_EQUAL(name_of(next()), "none");
  node(self).state = node_state::joining;
  m.joined(self, now_ms);
  CAF_CHECK(m.phase() == node_phase::joining);
  CAF_CHECK_EQUAL(name_of(next()), "beat");
  answer_beat();
  CAF_CHECK((m.peers() == ids{2}));
  CAF_CHECK((m.missing_links() == ids{2}));
  CAF_MESSAGE("without the link it does not become active");
  CAF_CHECK_EQUAL(name_of(work(1500, {2})), "none");
  m.link_changed(2, true, now_ms);
  CAF_CHECK_EQUAL(name_of(work(1500, {2})), "activate");
  m.activated(true);
  CAF_CHECK(m.phase() == node_phase::active);
}

CAF_TEST(a joining node waits for no link to one that drains or is dead) {
  node(2).state = node_state::draining;
  node(3).state = node_state::dead;
  node(4);
  CAF_CHECK_EQUAL(name_of(next()), "join");
  node(self).state = node_state::joining;
  m.joined(self, now_ms);
  CAF_CHECK_EQUAL(name_of(next()), "beat");
  answer_beat();
  CAF_CHECK((m.missing_links() == ids{4}));
  m.link_changed(4, true, now_ms);
  CAF_CHECK_EQUAL(name_of(next()), "activate");
}

CAF_TEST(the own deadline counts from the moment of sending) {
  share_out();
  become_active();
  auto sent = now_ms;
  now_ms += options.heartbeat_ms;
  CAF_CHECK_EQUAL(m.lease_until_ms(), sent + options.own_lease_ms);
  CAF_REQUIRE_EQUAL(name_of(next()), "beat");
  sent = now_ms;
  now_ms += 900; // the call takes long
  renew(self);
  tables.now_ms = database_ms();
  m.beaten(tables, sent, now_ms);
  CAF_CHECK_EQUAL(m.lease_until_ms(), sent + options.own_lease_ms);
}

CAF_TEST(a lease is renewed every heartbeat and after a failure soon) {
  share_out();
  become_active();
  auto last = now_ms;
  CAF_CHECK_EQUAL(name_of(next()), "none");
  now_ms = last + options.heartbeat_ms - 1;
  CAF_CHECK_EQUAL(name_of(next()), "none");
  now_ms = last + options.heartbeat_ms;
  CAF_CHECK_EQUAL(name_of(next()), "beat");
  m.failed(now_ms);
  now_ms += options.retry_ms - 1;
  CAF_CHECK_EQUAL(name_of(next()), "none");
  now_ms += 1;
  CAF_CHECK_EQUAL(name_of(next()), "beat");
}

CAF_TEST(a node declared dead drops everything and joins again) {
  share_out();
  become_active();
  CAF_CHECK(phase_of(5) == shard_phase::serving);
  node(1).state = node_state::dead;
  now_ms += options.heartbeat_ms;
  CAF_REQUIRE_EQUAL(name_of(next()), "beat");
  tables.now_ms = database_ms();
  m.beaten(tables, now_ms, now_ms);
  CAF_CHECK(m.phase() == node_phase::out);
  CAF_CHECK_EQUAL(m.lease_until_ms(), 0);
  CAF_CHECK_EQUAL(m.expulsions(), 1u);
  m.take_orders();
  for (const auto& o : m.take_orders())
    CAF_CHECK(o.phase == shard_phase::nobody);
  CAF_CHECK_EQUAL(name_of(next()), "join");
  m.joined(9, now_ms);
  CAF_CHECK_EQUAL(m.self(), 9u);
  CAF_CHECK(m.phase() == node_phase::joining);
}

CAF_TEST(the links of an earlier incarnation do not count for the next) {
  node(2);
  share_out();
  become_active();
  node(1).state = node_state::dead;
  now_ms += options.heartbeat_ms;
  CAF_REQUIRE_EQUAL(name_of(next()), "beat");
  tables.now_ms = database_ms();
  m.beaten(tables, now_ms, now_ms);
  CAF_REQUIRE_EQUAL(name_of(next()), "join");
  m.joined(9, now_ms);
  CAF_MESSAGE("nobody is a peer before the tables were read: no link is made that is not counted");
  CAF_CHECK(m.peers().empty());
  node(9).state = node_state::joining;
  now_ms += options.pace_ms;
  CAF_REQUIRE_EQUAL(name_of(next()), "beat");
  renew(9);
  m.beaten(tables, now_ms, now_ms);
  CAF_CHECK((m.missing_links() == ids{2}));
  m.link_changed(2, true, now_ms);
  CAF_CHECK_EQUAL(name_of(next()), "activate");
}

CAF_TEST(an unknown row is an expulsion too) {
  share_out();
  become_active();
  tables.nodes.clear();
  now_ms += options.heartbeat_ms;
  CAF_REQUIRE_EQUAL(name_of(next()), "beat");
  tables.now_ms = database_ms();
  m.beaten(tables, now_ms, now_ms);
  CAF_CHECK(m.phase() == node_phase::out);
}

CAF_TEST(what an activation whose outcome is unknown has done shows in the tables) {
  CAF_REQUIRE_EQUAL(name_of(next()), "join");
  node(self).state = node_state::joining;
  m.joined(self, now_ms);
  CAF_REQUIRE_EQUAL(name_of(next()), "beat");
  answer_beat();
  CAF_REQUIRE_EQUAL(name_of(next()), "activate");
  m.failed(now_ms);
  node(self).state = node_state::active;
  now_ms += options.retry_ms;
  CAF_CHECK_EQUAL(name_of(next()), "beat");
  answer_beat();
  CAF_CHECK(m.phase() == node_phase::active);
}

CAF_TEST(a join that failed is tried again) {
  CAF_REQUIRE_EQUAL(name_of(next()), "join");
  m.failed(now_ms);
  CAF_CHECK_EQUAL(name_of(next()), "none");
  now_ms += options.retry_ms;
  CAF_CHECK_EQUAL(name_of(next()), "join");
}

// -- calling others dead

CAF_TEST(a lease that has run out is seen only after a lease of contact) {
  node(2);
  share_out();
  become_active();
  auto began = now_ms;
  m.link_changed(2, false, now_ms);
  auto call = work(30'000);
  CAF_REQUIRE_EQUAL(name_of(call), "bury");
  CAF_CHECK((std::get<bury_call>(*call).nodes == ids{2}));
  CAF_CHECK(now_ms - began >= options.lease_ms - 200);
}

CAF_TEST(a gap in the contact takes the right to call others dead) {
  node(2);
  share_out();
  become_active();
  work(options.lease_ms, {2});
  CAF_MESSAGE("the database is away for longer than the own lease lasts, and every lease in it runs out");
  now_ms += options.heartbeat_ms;
  CAF_REQUIRE_EQUAL(name_of(next()), "beat");
  m.failed(now_ms);
  now_ms += options.lease_ms + 5000;
  auto back = now_ms;
  auto call = work(30'000);
  CAF_REQUIRE_EQUAL(name_of(call), "bury");
  CAF_CHECK(now_ms - back >= options.lease_ms);
}

CAF_TEST(after a database outage no node that returns in time is declared dead) {
  node(2);
  share_out();
  become_active();
  work(options.lease_ms, {2});
  now_ms += options.heartbeat_ms;
  CAF_REQUIRE_EQUAL(name_of(next()), "beat");
  m.failed(now_ms);
  now_ms += options.lease_ms + 5000;
  CAF_CHECK_EQUAL(name_of(work(options.lease_ms - 1000)), "none");
  CAF_MESSAGE("the other one renews its lease late, but it does");
  CAF_CHECK_EQUAL(name_of(work(20'000, {2})), "none");
}

CAF_TEST(a silent node is given up when two suspect it and not when one does) {
  for (bool second : {false, true}) {
    machine_rig r;
    r.node(2);
    r.node(3);
    r.share_out();
    r.become_active();
    r.work(r.options.lease_ms, {2, 3});
    r.m.link_changed(2, false, r.now_ms);
    auto began = r.now_ms;
    if (second)
      r.node(3).suspects = {2};
    r.node(1).suspects = {2}; // as the tables have it from the next heartbeat on
    auto call = r.work(6000, {3});
    CAF_CHECK((r.last_suspects == ids{2}));
    if (!second) {
      CAF_CHECK_EQUAL(name_of(call), "none");
      continue;
    }
    CAF_REQUIRE_EQUAL(name_of(call), "bury");
    CAF_CHECK((std::get<bury_call>(*call).nodes == ids{2}));
    CAF_CHECK(r.now_ms - began > r.options.silent_ms - r.options.heartbeat_ms);
    CAF_CHECK(r.now_ms - began < r.options.lease_ms);
  }
}

CAF_TEST(two suspicions do not kill a node that renews its lease) {
  node(2);
  node(3).suspects = {2};
  share_out();
  become_active();
  work(options.lease_ms, {2, 3});
  m.link_changed(2, false, now_ms);
  node(1).suspects = {2};
  CAF_CHECK_EQUAL(name_of(work(20'000, {2, 3})), "none");
}

CAF_TEST(an unreachable node is suspected after a while and the tables are read more often) {
  node(2);
  share_out();
  become_active();
  m.link_changed(2, false, now_ms);
  auto lost = now_ms;
  work(options.suspect_after_ms - 50, {2});
  CAF_CHECK(last_suspects.empty());
  work(200, {2});
  CAF_CHECK((last_suspects == ids{2}));
  m.link_changed(2, true, now_ms);
  work(50, {2});
  CAF_CHECK(last_suspects.empty());
  CAF_CHECK(now_ms - lost < 2 * options.suspect_after_ms);
}

CAF_TEST(a dead node is not declared dead again and its shards are given away) {
  node(2);
  share_out();
  become_active();
  m.link_changed(2, false, now_ms);
  auto call = work(30'000);
  CAF_REQUIRE_EQUAL(name_of(call), "bury");
  node(2).state = node_state::dead;
  m.buried({2});
  CAF_MESSAGE("what else is due is decided on what the tables say by then");
  CAF_CHECK_EQUAL(name_of(next()), "none");
  call = work(2000);
  CAF_REQUIRE_EQUAL(name_of(call), "assign");
  CAF_CHECK_EQUAL(std::get<assign_call>(*call).changes.size(), 128u);
  for (const auto& c : std::get<assign_call>(*call).changes)
    CAF_CHECK(c.owner == 2 && c.epoch == 1 && c.to == self);
}

CAF_TEST_FIXTURE_SCOPE_END()
