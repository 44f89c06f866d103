#define CAF_SUITE base.log_limiter

#include "base/log_limiter.hpp"

#include <caf/test/unit_test.hpp>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

using beckon::base::log_limiter;

CAF_TEST(the first line goes through and tells of none that was left out) {
  log_limiter limit;
  CAF_CHECK_EQUAL(limit.let_through(0).value_or(99), 0u);
}

CAF_TEST(a period lets one line through and counts the others) {
  log_limiter limit;
  CAF_CHECK(limit.let_through(5000));
  CAF_CHECK(!limit.let_through(5000));
  CAF_CHECK(!limit.let_through(5000 + log_limiter::period_ms - 1));
  CAF_CHECK_EQUAL(limit.let_through(5000 + log_limiter::period_ms).value_or(99), 2u);
  CAF_CHECK(!limit.let_through(5000 + log_limiter::period_ms));
  CAF_CHECK_EQUAL(limit.let_through(5000 + 9 * log_limiter::period_ms).value_or(99), 1u);
}

CAF_TEST(a clock that was set back lets nothing through before its time) {
  log_limiter limit;
  CAF_CHECK(limit.let_through(5000));
  CAF_CHECK(!limit.let_through(100));
  CAF_CHECK_EQUAL(limit.let_through(6000).value_or(99), 1u);
}

CAF_TEST(many threads lose no line and get one through for each period) {
  constexpr uint64_t threads = 4, periods = 50, lines = 200; // lines of one thread in one period
  log_limiter limit;
  std::atomic<uint64_t> through{0}, left_out{0};
  for (uint64_t period = 0; period < periods; ++period) {
    std::vector<std::thread> workers;
    for (uint64_t t = 0; t < threads; ++t)
      workers.emplace_back([&] {
        for (uint64_t i = 0; i < lines; ++i)
          if (auto before = limit.let_through(static_cast<int64_t>(period) * log_limiter::period_ms)) {
            ++through;
            left_out += *before;
          }
      });
    for (auto& worker : workers)
      worker.join();
  }
  left_out += limit.let_through(periods * log_limiter::period_ms).value_or(0);
  CAF_CHECK_EQUAL(through.load(), periods);
  CAF_CHECK_EQUAL(through + left_out, periods * threads * lines);
}
