#define CAF_SUITE actors.cluster_simulation

#include "cluster_chaos.hpp"
#include "tests/actors/node_fixture.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdlib>
#include <optional>

using namespace beckon;
using namespace beckon::actors;

namespace {

// The runs of one test take longer than the 30 s after which CAF gives a test up; ctest has a limit of its
// own.
const bool is_patient = [] {
  caf::test::engine::max_runtime(0);
  return true;
}();

struct outcome {
  std::string fault;
  actors::test::sim_totals totals;
  uint64_t fingerprint = 0;
};

std::optional<uint64_t> number_in(const char* variable) {
  const auto* text = std::getenv(variable);
  return text ? std::optional<uint64_t>{std::strtoull(text, nullptr, 10)} : std::nullopt;
}

struct fixture : test_coordinator_fixture<actors::test::system_config> {
  fixture() { spdlog::set_level(spdlog::level::off); }
  ~fixture() { spdlog::set_level(spdlog::level::info); }

  outcome play(uint64_t seed, actors::test::chaos_controls controls = {}, bool is_loud = false) {
    actors::test::sim_cluster world{sys, sched, seed, is_loud};
    actors::test::chaos c{world, controls};
    outcome o;
    o.fault = c.run();
    o.totals = world.book.totals();
    o.fingerprint = world.book.fingerprint();
    return o;
  }

  /// The first seed that shows a fault; 0: none of them.
  uint64_t find_fault(actors::test::chaos_controls controls, uint64_t seeds, std::string& fault) {
    for (uint64_t seed = 1; seed <= seeds; ++seed)
      if (auto o = play(seed, controls); !o.fault.empty()) {
        fault = o.fault;
        return seed;
      }
    return 0;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(cluster_simulation_tests, fixture)

// BECKON_SIM_SEED=n replays one seed and prints its history; BECKON_SIM_SEEDS=n runs n seeds.
CAF_TEST(no fault shows a popup too early or loses data) {
  if (auto seed = number_in("BECKON_SIM_SEED")) {
    spdlog::set_level(spdlog::level::info);
    auto o = play(*seed, {}, true);
    CAF_MESSAGE("seed " << *seed << ": " << to_string(o.totals));
    CAF_CHECK_EQUAL(o.fault, "");
    return;
  }
  auto seeds = number_in("BECKON_SIM_SEEDS").value_or(200);
  auto first = number_in("BECKON_SIM_FIRST").value_or(1);
  CAF_REQUIRE(is_patient);
  size_t failed = 0;
  actors::test::sim_totals totals;
  for (auto seed = first; seed < first + seeds && failed < 5; ++seed) {
    auto o = play(seed);
    totals += o.totals;
    if (o.fault.empty())
      continue;
    ++failed;
    CAF_ERROR("seed " << seed << ": " << o.fault << "; replay: BECKON_SIM_SEED=" << seed
                      << " test_actors -s actors.cluster_simulation");
  }
  CAF_CHECK_EQUAL(failed, 0u);
  CAF_MESSAGE(seeds << " runs: " << to_string(totals));
  // Runs in which nothing happens would find nothing.
  CAF_CHECK(seeds < 100 || (totals.claims > seeds && totals.shown > seeds && totals.fenced_claims > 0));
}

CAF_TEST(the same seed gives the same run) {
  for (uint64_t seed : {3u, 4u}) {
    auto once = play(seed);
    CAF_CHECK_EQUAL(once.fingerprint, play(seed).fingerprint);
  }
  CAF_CHECK(play(3).fingerprint != play(4).fingerprint);
}

CAF_TEST(without the fence it is found that a stale owner writes) {
  std::string fault;
  actors::test::chaos_controls controls;
  controls.strips_fences = true;
  auto seed = find_fault(controls, 40, fault);
  CAF_MESSAGE("seed " << seed << ": " << fault);
  CAF_CHECK(fault.find("was written with") != std::string::npos);
}

CAF_TEST(without the commit before the answer it is found that too much is shown) {
  std::string fault;
  actors::test::chaos_controls controls;
  controls.answers_early = true;
  auto seed = find_fault(controls, 40, fault);
  CAF_MESSAGE("seed " << seed << ": " << fault);
  CAF_CHECK(fault.find("shown") != std::string::npos);
}

CAF_TEST(without the unique key it is found that events are stored twice) {
  std::string fault;
  actors::test::chaos_controls controls;
  controls.renames_events = true;
  auto seed = find_fault(controls, 40, fault);
  CAF_MESSAGE("seed " << seed << ": " << fault);
  CAF_CHECK(fault.find("is stored") != std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
