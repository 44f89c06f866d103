#define CAF_SUITE net.timer_wheel

#include "net/timer_wheel.hpp"

#include <caf/test/unit_test.hpp>

#include <map>
#include <random>
#include <vector>

using namespace beckon::net;

namespace {

struct fixture {
  timer_wheel wheel{1000, 100};
  std::vector<timer_entry*> fired;

  void advance(int64_t now_ms) {
    wheel.advance(now_ms, [this](timer_entry& e) { fired.push_back(&e); });
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(timer_wheel_tests, fixture)

CAF_TEST(never early and at most one tick late) {
  timer_entry entry;
  wheel.arm(entry, 1250);
  advance(1200);
  advance(1299);
  CAF_CHECK(fired.empty());
  advance(1300);
  CAF_REQUIRE_EQUAL(fired.size(), 1u);
  CAF_CHECK(!entry.armed());
  CAF_CHECK_EQUAL(wheel.armed_count(), 0u);
}

CAF_TEST(a time in the past means the next tick) {
  timer_entry entry;
  wheel.arm(entry, 3);
  advance(1099);
  CAF_CHECK(fired.empty());
  advance(1100);
  CAF_CHECK_EQUAL(fired.size(), 1u);
}

CAF_TEST(moving and disarming) {
  timer_entry a;
  timer_entry b;
  wheel.arm(a, 1500);
  wheel.arm(b, 1500);
  wheel.arm(a, 2500);
  wheel.disarm(b);
  wheel.disarm(b);
  advance(2400);
  CAF_CHECK(fired.empty());
  advance(2500);
  CAF_REQUIRE_EQUAL(fired.size(), 1u);
  CAF_CHECK(fired[0] == &a);
}

CAF_TEST(longer than one round of the wheel) {
  timer_entry entry;
  wheel.arm(entry, 1000 + 512 * 100 * 3 + 700);
  for (int64_t now = 1000; now < 1000 + 512 * 100 * 3 + 700; now += 100)
    advance(now);
  CAF_CHECK(fired.empty());
  advance(1000 + 512 * 100 * 3 + 700);
  CAF_CHECK_EQUAL(fired.size(), 1u);
}

CAF_TEST(a clock that jumps fires everything that is due and nothing else) {
  timer_entry soon;
  timer_entry later;
  timer_entry far;
  wheel.arm(soon, 1200);
  wheel.arm(later, 400000);
  wheel.arm(far, 9000000);
  advance(1000000);
  CAF_CHECK_EQUAL(fired.size(), 2u);
  CAF_CHECK(far.armed());
  advance(9000000);
  CAF_CHECK_EQUAL(fired.size(), 3u);
}

CAF_TEST(firing may arm disarm and repeat) {
  timer_entry again;
  timer_entry victim;
  wheel.arm(again, 1100);
  wheel.arm(victim, 1100);
  int rounds = 0;
  wheel.advance(1500, [&](timer_entry& e) {
    CAF_CHECK(&e == &again);
    wheel.disarm(victim);
    ++rounds;
    wheel.arm(again, 0);
  });
  CAF_CHECK_EQUAL(rounds, 5);
}

CAF_TEST(agrees with a plain map over random operations) {
  std::mt19937_64 random{7};
  std::vector<timer_entry> entries(64);
  std::map<timer_entry*, int64_t> model;
  int64_t now = 1000;
  for (int step = 0; step < 20000; ++step) {
    auto& e = entries[random() % entries.size()];
    if (random() % 4 == 0) {
      wheel.disarm(e);
      model.erase(&e);
    } else {
      const auto due = now + static_cast<int64_t>(random() % 90000);
      wheel.arm(e, due);
      model[&e] = due;
    }
    now += static_cast<int64_t>(random() % 300);
    wheel.advance(now, [&](timer_entry& due) {
      CAF_REQUIRE(model.count(&due) == 1);
      CAF_REQUIRE(model[&due] <= now);
      model.erase(&due);
    });
    for (auto& m : model)
      CAF_REQUIRE(m.second > now - 200); // one tick for rounding up, one for the running tick
  }
  CAF_CHECK_EQUAL(wheel.armed_count(), model.size());
}

CAF_TEST_FIXTURE_SCOPE_END()
