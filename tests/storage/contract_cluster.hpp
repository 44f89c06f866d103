#pragma once

// What every store of a cluster must do. A file that includes this has named its CAF_SUITE, included the test
// framework, and declared `cluster_fixture`, which gives `store`, an empty one, and `pass(ms)`, after which
// so much time has passed by the database's clock.
#include "tests/storage/cluster_samples.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace beckon::storage::test {

namespace {

struct cluster_steps : cluster_fixture {
  std::unique_ptr<cluster_store> cluster = open();

  std::unique_ptr<cluster_store> open() {
    auto opened = store->open_cluster(5000);
    if (!opened)
      CAF_FAIL(storage::describe(opened.error()));
    return std::move(*opened);
  }

  incarnation_id join(const std::string& name, int64_t lease_ms = long_ms) {
    return of(cluster->join(node_named(name, lease_ms)));
  }

  incarnation_id join_active(const std::string& name, int64_t lease_ms = long_ms) {
    auto id = join(name, lease_ms);
    CAF_REQUIRE(of(cluster->activate(id)));
    return id;
  }

  cluster_picture beat(incarnation_id self, std::vector<incarnation_id> suspects = {},
                       int64_t lease_ms = long_ms) {
    return of(cluster->beat({self, lease_ms, std::move(suspects)}));
  }

  cluster_picture look() { return of(cluster->look()); }
  cluster_shard shard(uint16_t number) { return look().shards.at(number); }

  /// "joining", or "gone" where there is no such node.
  std::string state_of_node(incarnation_id id) {
    for (const auto& n : look().nodes)
      if (n.incarnation == id)
        return to_string(n.state);
    return "gone";
  }

  /// Gives ownerless shards to a node.
  void give(const std::vector<uint16_t>& numbers, incarnation_id to) {
    const auto shards = look().shards;
    std::vector<shard_change> changes;
    for (auto n : numbers)
      changes.push_back({n, shards[n].owner, shards[n].epoch, to});
    CAF_REQUIRE_EQUAL(of(cluster->assign(changes)).size(), numbers.size());
  }

  std::vector<incarnation_id> bury(std::vector<incarnation_id> nodes, const burial_rule& rule) {
    return of(cluster->bury(nodes, rule));
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(contract_cluster_tests, cluster_steps)

// -- members --------------------------------------------------------------------------------------

CAF_TEST(a new cluster has all its shards without owners) {
  auto p = look();
  CAF_CHECK_EQUAL(p.cluster, "");
  CAF_CHECK(p.nodes.empty());
  CAF_CHECK_EQUAL(p.trouble, "");
  CAF_REQUIRE_EQUAL(p.shards.size(), 256u);
  for (size_t i = 0; i < p.shards.size(); ++i)
    CAF_CHECK_EQUAL(text_of(p.shards[i]), text_of({static_cast<uint16_t>(i), 0, 0, shard_state::owned, 0}));
  CAF_CHECK_GREATER(p.now_ms, 1'700'000'000'000);
  CAF_CHECK_LESS(p.now_ms, 4'000'000'000'000);
}

CAF_TEST(a node that joins is shown with all that it said) {
  auto id = of(cluster->join({"shop", "n-1", "dir-1", "10.0.0.1:7000", "10.0.0.1:8080", "1.2.3", 7000}));
  CAF_CHECK_GREATER(id, 0u);
  auto p = look();
  CAF_CHECK_EQUAL(p.cluster, "shop");
  CAF_REQUIRE_EQUAL(p.nodes.size(), 1u);
  const auto& n = p.nodes[0];
  CAF_CHECK_EQUAL(n.incarnation, id);
  CAF_CHECK_EQUAL(n.name, "n-1");
  CAF_CHECK_EQUAL(n.identity, "dir-1");
  CAF_CHECK_EQUAL(n.address, "10.0.0.1:7000");
  CAF_CHECK_EQUAL(n.http, "10.0.0.1:8080");
  CAF_CHECK_EQUAL(n.version, "1.2.3");
  CAF_CHECK(n.state == node_state::joining);
  CAF_CHECK_EQUAL(n.lease_until_ms, n.heartbeat_ms + 7000);
  CAF_CHECK_LESS_OR_EQUAL(n.heartbeat_ms, p.now_ms);
  CAF_CHECK(n.suspects.empty());
}

CAF_TEST(incarnations grow and are not given again) {
  auto a = join("a");
  auto b = join("b");
  CAF_CHECK_GREATER(b, a);
  CAF_CHECK(!cluster->leave(b));
  CAF_CHECK_GREATER(join("b"), b);
}

CAF_TEST(a join with an identity ends all earlier nodes with it) {
  auto other = join_active("other");
  auto first = join_active("a");
  auto second = join("a");
  CAF_CHECK_EQUAL(state_of_node(first), "dead");
  CAF_CHECK_EQUAL(state_of_node(second), "joining");
  CAF_CHECK_EQUAL(state_of_node(other), "active");
  CAF_CHECK(!of(cluster->activate(first)));
}

CAF_TEST(the database of one cluster takes no node of another) {
  auto a = join("a");
  auto stranger = node_named("b");
  stranger.cluster = "other";
  auto refused = [&] {
    auto joined = cluster->join(stranger);
    CAF_REQUIRE(!joined);
    CAF_CHECK(code_of(joined.error()) == errc::bad_options);
    auto text = storage::describe(joined.error());
    CAF_CHECK(text.find("\"shop\"") != std::string::npos && text.find("\"other\"") != std::string::npos);
  };
  refused();
  CAF_CHECK(!cluster->leave(a));
  refused(); // also when it is empty
  CAF_CHECK(look().nodes.empty());
}

CAF_TEST(what a node says of itself has bounds) {
  auto nameless = node_named("a");
  nameless.identity.clear();
  CAF_CHECK(failure_of(cluster->join(nameless)) == errc::bad_options);
  auto long_one = node_named(std::string(256, 'x'));
  CAF_CHECK(failure_of(cluster->join(long_one)) == errc::bad_options);
  CAF_CHECK(failure_of(cluster->join(node_named("a", 0))) == errc::bad_options);
  CAF_CHECK(join(std::string(255, 'x')) > 0);
  CAF_CHECK(failure_of(cluster->beat({1, 1000, std::vector<incarnation_id>(1001, 7)})) == errc::bad_options);
}

CAF_TEST(a heartbeat renews the lease and shows everything) {
  auto a = join("a", 1000);
  auto b = join("b");
  pass(20);
  auto p = beat(a, {b, 77}, 5000);
  CAF_REQUIRE_EQUAL(p.nodes.size(), 2u);
  CAF_CHECK_EQUAL(p.shards.size(), 256u);
  CAF_CHECK_EQUAL(p.cluster, "shop");
  CAF_CHECK_EQUAL(p.nodes[0].lease_until_ms, p.nodes[0].heartbeat_ms + 5000);
  CAF_CHECK_GREATER_OR_EQUAL(p.nodes[0].heartbeat_ms, p.nodes[1].heartbeat_ms + 20);
  CAF_CHECK_LESS_OR_EQUAL(p.nodes[0].heartbeat_ms, p.now_ms);
  CAF_CHECK((p.nodes[0].suspects == std::vector<incarnation_id>{b, 77}));
  CAF_CHECK(beat(a).nodes[0].suspects.empty());
}

CAF_TEST(a heartbeat does not revive a dead node) {
  auto first = join("a");
  auto second = join("a");
  auto before = look().nodes[0];
  pass(20);
  auto p = beat(first, {second});
  CAF_REQUIRE_EQUAL(p.nodes.size(), 2u);
  CAF_CHECK(p.nodes[0].state == node_state::dead);
  CAF_CHECK_EQUAL(p.nodes[0].lease_until_ms, before.lease_until_ms);
  CAF_CHECK(p.nodes[0].suspects.empty());
  CAF_CHECK_EQUAL(beat(second + 1000).nodes.size(), 2u);
}

CAF_TEST(states go one way) {
  auto a = join("a");
  CAF_CHECK(of(cluster->activate(a)) && of(cluster->activate(a)));
  CAF_CHECK_EQUAL(state_of_node(a), "active");
  CAF_CHECK(of(cluster->drain(a)) && of(cluster->drain(a)));
  CAF_CHECK_EQUAL(state_of_node(a), "draining");
  CAF_CHECK(!of(cluster->activate(a)));
  auto b = join("b");
  CAF_CHECK(of(cluster->drain(b)));
  auto again = join("b");
  CAF_CHECK(!of(cluster->drain(b)));
  CAF_CHECK(!of(cluster->activate(again + 1000)) && !of(cluster->drain(again + 1000)));
  CAF_CHECK_EQUAL(state_of_node(a), "draining");
}

CAF_TEST(a node that leaves is removed and its shards have no owner) {
  auto a = join_active("a");
  auto b = join_active("b");
  give({1, 2, 3}, a);
  give({4}, b);
  CAF_REQUIRE_EQUAL(of(cluster->begin_moves({{2, a, 1, b}}, 4)).size(), 1u);
  CAF_CHECK(!cluster->leave(a));
  CAF_CHECK_EQUAL(state_of_node(a), "gone");
  for (uint16_t n : {1, 2, 3})
    CAF_CHECK_EQUAL(text_of(shard(n)), text_of({n, 0, 2, shard_state::owned, 0}));
  CAF_CHECK_EQUAL(text_of(shard(4)), text_of({4, b, 1, shard_state::owned, 0}));
  CAF_CHECK_EQUAL(text_of(shard(5)), text_of({5, 0, 0, shard_state::owned, 0}));
  CAF_CHECK(!cluster->leave(a) && !cluster->leave(0));
  CAF_CHECK_EQUAL(shard(1).epoch, 2u);
  CAF_CHECK_EQUAL(shard(5).epoch, 0u);
}

// -- death ----------------------------------------------------------------------------------------

CAF_TEST(a node is dead when its lease has run out and another declares it) {
  auto a = join_active("a");
  auto b = join_active("b", 200);
  auto c = join_active("c");
  give({7}, b);
  CAF_CHECK(bury({c, a, a + 1000}, {a}).empty());
  pass(250);
  CAF_CHECK_EQUAL(state_of_node(b), "active");
  CAF_CHECK((bury({b, c}, {a}) == std::vector<incarnation_id>{b}));
  CAF_CHECK_EQUAL(state_of_node(b), "dead");
  CAF_CHECK_EQUAL(state_of_node(c), "active");
  CAF_CHECK(bury({b}, {a}).empty());
  beat(b);
  CAF_CHECK_EQUAL(state_of_node(b), "dead");
  CAF_CHECK_EQUAL(shard(7).owner, b); // to be taken over
}

CAF_TEST(a late node that was not declared dead continues) {
  auto a = join("a");
  auto b = join("b", 50);
  pass(60);
  beat(b);
  CAF_CHECK(bury({b}, {a}).empty());
}

CAF_TEST(only living nodes declare others dead) {
  auto a = join("a", 50);
  auto b = join("b", 50);
  auto c = join("c");
  pass(60);
  CAF_CHECK(bury({b}, {a}).empty());
  CAF_CHECK(bury({b}, {c + 1000}).empty());
  CAF_CHECK((bury({b}, {c}) == std::vector<incarnation_id>{b}));
}

CAF_TEST(a silent node that two others suspect is dead before its lease) {
  auto a = join("a");
  auto b = join("b");
  auto c = join("c");
  auto d = join("d");
  burial_rule rule{a, 2, 1000, long_ms};
  pass(1000);
  beat(a, {d});
  CAF_CHECK(bury({d}, rule).empty()); // one witness
  beat(b, {c});
  CAF_CHECK(bury({d}, rule).empty()); // that it is one of them who suspects somebody is not enough
  beat(b, {c, d});
  beat(d);
  CAF_CHECK(bury({d}, rule).empty()); // not silent
  pass(1000);
  CAF_CHECK(bury({c}, rule).empty()); // one witness against this one
  CAF_CHECK((bury({c, d}, rule) == std::vector<incarnation_id>{d}));
}

CAF_TEST(a witness must be alive and have said so lately) {
  auto a = join("a");
  auto b = join("b");
  auto c = join("c");
  auto d = join("d");
  beat(a, {d});
  beat(b, {d}, 100);
  beat(d, {d});
  pass(150);
  CAF_CHECK(bury({d}, {a, 2, 100, long_ms}).empty()); // the lease of one has run out
  beat(b, {d});
  pass(60);
  beat(c, {d});
  CAF_CHECK(bury({d}, {a, 3, 100, 50}).empty()); // only one spoke lately
  CAF_CHECK((bury({b}, {a, 1, 0, long_ms}).empty()));
  CAF_CHECK((bury({d}, {a, 3, 100, long_ms}) == std::vector<incarnation_id>{d}));
}

CAF_TEST(the dead are forgotten after their time) {
  auto a = join("a");
  auto b = join("b", 20);
  pass(30);
  CAF_REQUIRE_EQUAL(bury({b}, {a}).size(), 1u);
  CAF_CHECK(!cluster->forget_dead(long_ms));
  CAF_CHECK_EQUAL(state_of_node(b), "dead");
  pass(30);
  CAF_CHECK(!cluster->forget_dead(20));
  CAF_CHECK_EQUAL(state_of_node(b), "gone");
  CAF_CHECK_EQUAL(state_of_node(a), "joining");
}

// -- shards ---------------------------------------------------------------------------------------

CAF_TEST(a shard is given away only if unchanged) {
  auto a = join("a"); // one that joins may own
  auto b = join_active("b");
  auto given = of(cluster->assign({{9, 0, 0, a}, {3, 0, 0, b}}));
  CAF_REQUIRE_EQUAL(given.size(), 2u);
  CAF_CHECK_EQUAL(text_of(given[0]), text_of({3, b, 1, shard_state::owned, 0}));
  CAF_CHECK_EQUAL(text_of(given[1]), text_of({9, a, 1, shard_state::owned, 0}));
  CAF_CHECK_EQUAL(text_of(shard(9)), text_of(given[1]));
  CAF_CHECK(
      of(cluster->assign({{9, 0, 0, b}, {9, b, 1, b}, {9, a, 0, b}, {9, a, 2, b}, {999, 0, 0, b}})).empty());
  CAF_CHECK_EQUAL(text_of(shard(9)), text_of(given[1]));
  given = of(cluster->assign({{9, a, 1, b}, {9, a, 1, a}}));
  CAF_REQUIRE_EQUAL(given.size(), 1u);
  CAF_CHECK_EQUAL(text_of(given[0]), text_of({9, b, 2, shard_state::owned, 0}));
  CAF_CHECK(of(cluster->assign({})).empty());
}

CAF_TEST(a shard goes only to nodes that may own it) {
  auto dead = join_active("a");
  auto a = join_active("a");
  auto draining = join_active("b");
  CAF_REQUIRE(of(cluster->drain(draining)));
  give({1}, a);
  for (auto to : {dead, draining, a + 1000})
    CAF_CHECK(of(cluster->assign({{1, a, 1, to}, {2, 0, 0, to}})).empty());
  CAF_CHECK_EQUAL(of(cluster->assign({{1, a, 1, 0}})).size(), 1u);
  CAF_CHECK_EQUAL(text_of(shard(1)), text_of({1, 0, 2, shard_state::owned, 0}));
}

CAF_TEST(all shards can be given at once) {
  auto a = join_active("a");
  std::vector<uint16_t> all;
  for (uint16_t i = 0; i < 256; ++i)
    all.push_back(i);
  give(all, a);
  for (const auto& s : look().shards)
    CAF_CHECK(s.owner == a && s.epoch == 1);
}

CAF_TEST(few shards move at a time) {
  auto a = join_active("a");
  auto b = join_active("b");
  auto c = join("c");
  give({1, 2, 3, 4}, a);
  auto moving =
      of(cluster->begin_moves({{1, a, 1, b}, {2, a, 0, b}, {3, a, 1, c}, {4, a, 1, a}, {5, 0, 0, b}}, 4));
  CAF_REQUIRE_EQUAL(moving.size(), 1u);
  CAF_CHECK_EQUAL(text_of(moving[0]), text_of({1, a, 1, shard_state::draining, b}));
  CAF_CHECK_EQUAL(text_of(shard(1)), text_of(moving[0]));
  // The same once more, and as many others as there is room for.
  moving = of(cluster->begin_moves({{1, a, 1, b}, {2, a, 1, b}, {3, a, 1, b}}, 2));
  CAF_REQUIRE_EQUAL(moving.size(), 2u);
  CAF_CHECK_EQUAL(moving[0].shard, 1u);
  CAF_CHECK_EQUAL(moving[1].shard, 2u);
  CAF_CHECK(of(cluster->begin_moves({{4, a, 1, b}}, 2)).empty());
  CAF_CHECK(of(cluster->begin_moves({{4, a, 1, b}}, 1)).empty());
  CAF_CHECK_EQUAL(of(cluster->assign({{1, a, 1, b}})).size(), 1u);
  CAF_CHECK_EQUAL(text_of(shard(1)), text_of({1, b, 2, shard_state::owned, 0}));
  CAF_CHECK_EQUAL(of(cluster->begin_moves({{4, a, 1, b}}, 2)).size(), 1u);
}

CAF_TEST(a move that was called off leaves everything as it was) {
  auto a = join_active("a");
  auto b = join_active("b");
  give({1, 2}, a);
  CAF_REQUIRE_EQUAL(of(cluster->begin_moves({{1, a, 1, b}, {2, a, 1, b}}, 4)).size(), 2u);
  CAF_CHECK(!cluster->cancel_moves({{1, a, 1, b}, {2, a, 2, b}, {3, 0, 0, b}}));
  CAF_CHECK_EQUAL(text_of(shard(1)), text_of({1, a, 1, shard_state::owned, 0}));
  CAF_CHECK_EQUAL(text_of(shard(2)), text_of({2, a, 1, shard_state::draining, b}));
  CAF_CHECK(!cluster->cancel_moves({{1, a, 1, b}}));
}

CAF_TEST(of two that take over the same shards each is taken by one) {
  constexpr uint16_t shards = 20;
  auto a = join_active("a");
  auto b = join_active("b");
  std::vector<std::vector<cluster_shard>> taken(2);
  std::vector<std::thread> racing;
  for (size_t i = 0; i < 2; ++i)
    racing.emplace_back([&, i, own = open()] {
      for (uint16_t n = 0; n < shards; ++n) {
        auto given = own->assign({{n, 0, 0, i == 0 ? a : b}});
        if (given && !given->empty())
          taken[i].push_back(given->at(0));
      }
    });
  for (auto& r : racing)
    r.join();
  CAF_CHECK_EQUAL(taken[0].size() + taken[1].size(), size_t{shards});
  auto p = look();
  for (const auto& s : taken[0])
    CAF_CHECK_EQUAL(text_of(p.shards[s.shard]), text_of({s.shard, a, 1, shard_state::owned, 0}));
  for (const auto& s : taken[1])
    CAF_CHECK_EQUAL(text_of(p.shards[s.shard]), text_of({s.shard, b, 1, shard_state::owned, 0}));
}

CAF_TEST_FIXTURE_SCOPE_END()

} // namespace beckon::storage::test

#include "tests/storage/contract_fence.hpp"
