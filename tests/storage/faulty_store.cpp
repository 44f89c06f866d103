#define CAF_SUITE storage.faulty_store
#include "tests/support/faulty_store.hpp"

#include "tests/storage/cluster_samples.hpp"
#include "tests/storage/job_samples.hpp"
#include "tests/support/memory_store.hpp"

#include <caf/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

using namespace beckon::storage;
using namespace beckon::storage::test;

namespace {

struct fixture {
  fault_plan plan;
  store_ptr store = make_faulty_store(make_memory_store(), plan);
  std::unique_ptr<session> writer = std::move(*store->open_writer());
  std::unique_ptr<session> reader = std::move(*store->open_reader());

  /// The error of the write, 0 for none.
  errc claimed(const std::string& user) {
    auto outcomes = writer->write({claim(user, 0)});
    return outcomes ? errc{} : code_of(outcomes.error());
  }

  errc read() {
    auto version = reader->load_catalog_version();
    return version ? errc{} : code_of(version.error());
  }

  bool stored(const std::string& user) {
    auto rows = reader->load_users({user});
    return rows && !rows->at(0).state.empty();
  }

  /// Waits until the plan has seen as many writes.
  bool wait_for_writes(uint64_t n) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (plan.calls(fault_plan::operation::write) < n) {
      if (std::chrono::steady_clock::now() > deadline)
        return false;
      std::this_thread::yield();
    }
    return true;
  }
};

constexpr auto writes = fault_plan::operation::write;
constexpr auto reads = fault_plan::operation::read;
constexpr auto cluster_calls = fault_plan::operation::cluster;

} // namespace

CAF_TEST_FIXTURE_SCOPE(faulty_store_tests, fixture)

CAF_TEST(the call named fails without reaching the store) {
  CAF_CHECK(claimed("first") == errc{});
  plan.fail(writes, 2, errc::disk_full);
  plan.fail(reads, 1, errc::io_failed);
  CAF_CHECK(read() == errc::io_failed);
  CAF_CHECK(read() == errc{});
  CAF_CHECK(claimed("second") == errc{});
  CAF_CHECK(claimed("third") == errc::disk_full);
  CAF_CHECK(!stored("third"));
  CAF_CHECK(claimed("third") == errc{});
  CAF_CHECK(stored("third"));
}

CAF_TEST(everything fails until healed) {
  plan.fail_all(errc::unavailable);
  CAF_CHECK(claimed("ann") == errc::unavailable);
  CAF_CHECK(read() == errc::unavailable);
  CAF_CHECK(code_of(writer->ping()) == errc::unavailable);
  plan.heal();
  CAF_CHECK(!stored("ann"));
  CAF_CHECK(!writer->ping());
  CAF_CHECK(claimed("ann") == errc{});
}

CAF_TEST(a lost outcome is a write that happened) {
  plan.lose_outcome(2);
  CAF_CHECK(claimed("ann") == errc{});
  CAF_CHECK(claimed("bob") == errc::unknown_outcome);
  CAF_CHECK(stored("bob"));
  CAF_CHECK(claimed("cyd") == errc{});
}

CAF_TEST(a hanging call goes on when healed) {
  plan.hang(60'000);
  std::atomic<bool> returned{false};
  std::thread blocked{[&] {
    CAF_CHECK(claimed("ann") == errc{});
    returned = true;
  }};
  CAF_CHECK(wait_for_writes(1));
  CAF_CHECK(!returned);
  plan.heal();
  blocked.join();
  CAF_CHECK(stored("ann"));
}

CAF_TEST(a hanging call gives up after its time) {
  plan.hang(20);
  auto start = std::chrono::steady_clock::now();
  CAF_CHECK(claimed("ann") == errc::unavailable);
  CAF_CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds{20});
  CAF_CHECK(read() == errc::unavailable);
  plan.heal();
  CAF_CHECK(!stored("ann"));
}

CAF_TEST(calls are counted by kind and pings are not ) {
  claimed("ann");
  claimed("bob");
  read();
  stored("ann");
  stored("bob");
  CAF_CHECK(!reader->ping());
  CAF_CHECK_EQUAL(plan.calls(writes), 2u);
  CAF_CHECK_EQUAL(plan.calls(reads), 3u);
}

CAF_TEST(calls about the cluster have faults of their own) {
  auto cluster = of(store->open_cluster(1000));
  auto shards = of(store->open_shards(1000));
  plan.fail(cluster_calls, 2, errc::disk_full);
  auto a = of(cluster->join(node_named("a")));
  CAF_CHECK(failure_of(cluster->activate(a)) == errc::disk_full);
  CAF_CHECK(claimed("ann") == errc{} && read() == errc{});
  plan.lose_outcome(1, cluster_calls);
  CAF_CHECK(claimed("bob") == errc{});
  CAF_CHECK(failure_of(cluster->activate(a)) == errc::unknown_outcome);
  CAF_CHECK(of(cluster->look()).nodes.at(0).state == node_state::active);
  CAF_CHECK_EQUAL(plan.calls(cluster_calls), 4u);
  plan.fail_all(errc::unavailable);
  CAF_CHECK(failure_of(cluster->beat({a, 1000, {}})) == errc::unavailable);
  CAF_CHECK(code_of(cluster->leave(a)) == errc::unavailable);
  CAF_CHECK(failure_of(shards->load()) == errc::unavailable);
  plan.heal();
  plan.hang(20);
  CAF_CHECK(failure_of(cluster->look()) == errc::unavailable);
  plan.heal();
  CAF_CHECK_EQUAL(of(cluster->look()).nodes.size(), 1u);
  CAF_CHECK(!shards->claim("shop"));
}

CAF_TEST_FIXTURE_SCOPE_END()
