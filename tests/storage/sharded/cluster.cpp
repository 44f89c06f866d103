#define CAF_SUITE storage.sharded_cluster
#include "storage/sharded/store.hpp"
#include "tests/storage/cluster_samples.hpp"
#include "tests/support/faulty_store.hpp"
#include "tests/support/memory_store.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <vector>

using namespace beckon::storage;
using namespace beckon::storage::test;

namespace {

constexpr auto calls = fault_plan::operation::cluster;

struct fixture {
  std::atomic<int64_t> now_ms{noon_ms};
  store_ptr catalog = make_memory_store([this] { return now_ms.load(); });
  std::vector<store_ptr> parts{make_memory_store(), make_memory_store(), make_memory_store()};
  fault_plan catalog_plan;
  std::vector<fault_plan> plans{3};
  store_ptr store =
      make_sharded_store(make_faulty_store(catalog, catalog_plan),
                         {make_faulty_store(parts[0], plans[0]), make_faulty_store(parts[1], plans[1]),
                          make_faulty_store(parts[2], plans[2])});
  std::unique_ptr<cluster_store> cluster = of(store->open_cluster(1000));

  incarnation_id join_active(const std::string& name) const {
    auto id = of(cluster->join(node_named(name)));
    CAF_REQUIRE(of(cluster->activate(id)));
    return id;
  }

  /// The shard as the database has it.
  cluster_shard stored(uint16_t number) const {
    auto table = of(parts[number % parts.size()]->open_shards(1000));
    return of(table->load()).shards.at(number);
  }

  static std::vector<uint16_t> unknown(const cluster_picture& p) {
    std::vector<uint16_t> out;
    for (const auto& s : p.shards)
      if (!s.known)
        out.push_back(s.shard);
    return out;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(sharded_cluster_tests, fixture)

CAF_TEST(each shard is in the database of its users alone) {
  auto a = join_active("a");
  CAF_CHECK_EQUAL(of(cluster->assign({{3, 0, 0, a}, {4, 0, 0, a}, {5, 0, 0, a}})).size(), 3u);
  for (uint16_t n = 0; n < 9; ++n)
    for (size_t p = 0; p < parts.size(); ++p) {
      auto here = of(of(parts[p]->open_shards(1000))->load()).shards.at(n);
      CAF_CHECK_EQUAL(here.owner, n >= 3 && n <= 5 && n % 3 == p ? a : 0);
    }
  for (const auto& s : of(of(catalog->open_cluster(1000))->look()).shards)
    CAF_CHECK_EQUAL(s.owner, 0u);
}

CAF_TEST(a lease is renewed while a user database is down) {
  auto a = join_active("a");
  CAF_REQUIRE_EQUAL(of(cluster->assign({{1, 0, 0, a}, {2, 0, 0, a}})).size(), 2u);
  plans[1].fail_all(errc::unavailable);
  now_ms += 1000;
  auto seen = of(cluster->beat({a, 10'000, {}}));
  CAF_CHECK_EQUAL(seen.nodes.at(0).lease_until_ms, now_ms + 10'000);
  CAF_REQUIRE_EQUAL(seen.shards.size(), 256u);
  auto lost = unknown(seen);
  CAF_CHECK_EQUAL(lost.size(), 85u);
  CAF_CHECK(std::all_of(lost.begin(), lost.end(), [](uint16_t n) { return n % 3 == 1; }));
  CAF_CHECK_EQUAL(text_of(seen.shards[1]), "shard 1 unknown 0 epoch 0 owned to 0");
  CAF_CHECK_EQUAL(seen.shards[2].owner, a);
  CAF_CHECK(seen.trouble.find("unavailable") != std::string::npos);
  plans[1].heal();
  seen = of(cluster->look());
  CAF_CHECK(unknown(seen).empty());
  CAF_CHECK_EQUAL(seen.trouble, "");
  CAF_CHECK_EQUAL(seen.shards[1].owner, a);
}

CAF_TEST(databases that hang are waited for all at once) {
  auto a = join_active("a");
  for (auto& plan : plans)
    plan.hang(60'000);
  auto beating = std::async(std::launch::async, [&] { return cluster->beat({a, 10'000, {}}); });
  // All have been asked while none has answered.
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  auto asked = [&](fault_plan& plan, uint64_t before) { return plan.calls(calls) > before; };
  std::vector<uint64_t> before{1, 1, 1}; // join
  bool all = false;
  while (!all && std::chrono::steady_clock::now() < deadline) {
    all = asked(plans[0], before[0]) && asked(plans[1], before[1]) && asked(plans[2], before[2]);
    std::this_thread::yield();
  }
  CAF_CHECK(all);
  for (auto& plan : plans)
    plan.heal();
  CAF_CHECK(unknown(of(beating.get())).empty());
}

CAF_TEST(without the catalogue there is no cluster) {
  auto a = join_active("a");
  catalog_plan.fail_all(errc::unavailable);
  CAF_CHECK(failure_of(cluster->beat({a, 10'000, {}})) == errc::unavailable);
  CAF_CHECK(failure_of(cluster->look()) == errc::unavailable);
  CAF_CHECK(failure_of(cluster->assign({{1, 0, 0, a}})) == errc::unavailable);
  CAF_CHECK(code_of(cluster->leave(a)) == errc::unavailable);
  catalog_plan.heal();
  CAF_CHECK_EQUAL(stored(1).owner, 0u);
}

CAF_TEST(what a database that fails does not do the others do) {
  auto a = join_active("a");
  plans[1].fail_all(errc::unavailable);
  auto given = of(cluster->assign({{0, 0, 0, a}, {1, 0, 0, a}, {2, 0, 0, a}}));
  CAF_REQUIRE_EQUAL(given.size(), 2u);
  CAF_CHECK_EQUAL(given[1].shard, 2u);
  CAF_CHECK(failure_of(cluster->assign({{1, 0, 0, a}})) == errc::unavailable);
  CAF_CHECK(code_of(cluster->cancel_moves({{1, a, 1, a}})) == errc::unavailable);
  plans[1].heal();
  plans[0].fail(calls, 1, errc::unavailable);
  plans[1].lose_outcome(1, calls);
  CAF_CHECK(failure_of(cluster->assign({{1, 0, 0, a}, {3, 0, 0, a}})) == errc::unknown_outcome);
  CAF_CHECK_EQUAL(stored(1).owner, a);
}

CAF_TEST(leaving is completed by leaving again) {
  auto a = join_active("a");
  CAF_REQUIRE_EQUAL(of(cluster->assign({{0, 0, 0, a}, {1, 0, 0, a}})).size(), 2u);
  plans[1].fail_all(errc::unavailable);
  CAF_CHECK(code_of(cluster->leave(a)) == errc::unavailable);
  CAF_CHECK_EQUAL(text_of(stored(0)), "shard 0 of 0 epoch 2 owned to 0");
  CAF_CHECK_EQUAL(text_of(stored(1)), "shard 1 of 1 epoch 1 owned to 0");
  plans[1].heal();
  CAF_CHECK(!cluster->leave(a));
  CAF_CHECK_EQUAL(text_of(stored(0)), "shard 0 of 0 epoch 2 owned to 0");
  CAF_CHECK_EQUAL(text_of(stored(1)), "shard 1 of 0 epoch 2 owned to 0");
}

CAF_TEST(moves are counted over all databases) {
  auto a = join_active("a");
  auto b = join_active("b");
  std::vector<shard_change> all;
  for (uint16_t n = 0; n < 9; ++n)
    all.push_back({n, 0, 0, a});
  CAF_REQUIRE_EQUAL(of(cluster->assign(all)).size(), 9u);
  for (auto& c : all)
    c = {c.shard, a, 1, b};
  CAF_CHECK_EQUAL(of(cluster->begin_moves({all[0], all[1]}, 4)).size(), 2u);
  CAF_CHECK_EQUAL(of(cluster->begin_moves(all, 4)).size(), 4u); // these two and two more
  CAF_CHECK(of(cluster->begin_moves({all[8]}, 4)).empty());
  auto draining = [&] {
    auto p = of(cluster->look());
    return std::count_if(p.shards.begin(), p.shards.end(),
                         [](const cluster_shard& s) { return s.state == shard_state::draining; });
  };
  CAF_CHECK_EQUAL(draining(), 4);
}

CAF_TEST(a database of users belongs to one cluster) {
  auto theirs = make_sharded_store(make_memory_store(), {parts[2]});
  auto stranger = node_named("x");
  stranger.cluster = "theirs";
  CAF_REQUIRE(of(theirs->open_cluster(1000))->join(stranger));
  auto joined = cluster->join(node_named("a"));
  CAF_REQUIRE(!joined);
  CAF_CHECK(code_of(joined.error()) == errc::bad_options);
  CAF_CHECK(describe(joined.error()).find("\"theirs\"") != std::string::npos);
  CAF_CHECK(of(cluster->look()).nodes.empty());
}

CAF_TEST(a user database that was down at the join is claimed later) {
  plans[2].fail_all(errc::unavailable);
  auto a = join_active("a");
  plans[2].heal();
  CAF_CHECK(unknown(of(cluster->beat({a, 10'000, {}}))).empty());
  CAF_CHECK_EQUAL(of(of(parts[2]->open_shards(1000))->load()).cluster, "shop");
  CAF_CHECK(code_of(of(parts[2]->open_shards(1000))->claim("theirs")) == errc::bad_options);
}

CAF_TEST(a database that another cluster took meanwhile is not known) {
  plans[2].fail_all(errc::unavailable);
  auto a = join_active("a");
  CAF_CHECK(!of(parts[2]->open_shards(1000))->claim("theirs"));
  plans[2].heal();
  auto seen = of(cluster->beat({a, 10'000, {}}));
  CAF_CHECK_EQUAL(unknown(seen).size(), 85u);
  CAF_CHECK(seen.trouble.find("\"theirs\"") != std::string::npos);
}

CAF_TEST(a batch of which one database fences its part is completed by sending it again) {
  auto a = join_active("a");
  auto in_place = [](size_t place) {
    for (int i = 0;; ++i)
      if (auto id = "user-" + std::to_string(i); shard_of(id) % 3 == place)
        return id;
  };
  const auto ann = in_place(0);
  const auto bob = in_place(1);
  CAF_REQUIRE_EQUAL(of(cluster->assign({{shard_of(ann), 0, 0, a}})).size(), 1u);
  event_batch_write batch{{impression("e-1", noon_ms, ann), impression("e-2", noon_ms, bob)},
                          {{shard_of(ann), {a, 1}}, {shard_of(bob), {a, 1}}}};
  auto writer = of(store->open_writer());
  auto outcome = of(writer->write({batch})).at(0);
  CAF_CHECK(!outcome.error && outcome.status == write_status::fenced);
  CAF_CHECK_EQUAL(event_ids(*writer, {}, 10), std::vector<std::string>{"e-1"});
  CAF_REQUIRE_EQUAL(of(cluster->assign({{shard_of(bob), 0, 0, a}})).size(), 1u);
  outcome = of(writer->write({batch})).at(0);
  CAF_CHECK(!outcome.error && outcome.status == write_status::done);
  CAF_CHECK_EQUAL(outcome.duplicates, 1u);
  CAF_CHECK_EQUAL(event_ids(*writer, {}, 10).size(), 2u);
}

CAF_TEST_FIXTURE_SCOPE_END()
