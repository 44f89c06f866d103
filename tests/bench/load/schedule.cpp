#define CAF_SUITE load.schedule

#include "bench/load/schedule.hpp"

#include "bench/load/choice.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

using namespace beckon::load;

CAF_TEST(the requests of all threads together are evenly spaced) {
  constexpr uint64_t rate = 7'001; // does not divide a second
  std::vector<int64_t> due;
  for (uint64_t thread = 0; thread < 3; ++thread) {
    schedule s{1'000, rate, 4, 3, thread};
    for (uint64_t n = 0; n < s.count(); ++n)
      due.push_back(s.due_ns(n));
  }
  std::sort(due.begin(), due.end());
  CAF_REQUIRE_EQUAL(due.size(), rate * 4);
  CAF_CHECK_EQUAL(due.front(), 1'000);
  for (size_t i = 1; i < due.size(); ++i) {
    auto gap = due[i] - due[i - 1];
    if (gap < 1'000'000'000 / static_cast<int64_t>(rate) - 1
        || gap > 1'000'000'000 / static_cast<int64_t>(rate) + 1)
      CAF_FAIL("a gap of " << gap << " ns before request " << i);
  }
}

CAF_TEST(a day at a high rate ends to the nanosecond) {
  schedule s{0, 10'000'000, 86'400, 1, 0};
  CAF_CHECK_EQUAL(s.count(), 864'000'000'000u);
  CAF_CHECK_EQUAL(s.due_ns(s.count()), 86'400'000'000'000);
}

CAF_TEST(zipf gives the shares that it promises) {
  zipf z{1000, 1.0};
  random_source random{3};
  std::map<uint64_t, int> seen;
  constexpr int picks = 200'000;
  for (int i = 0; i < picks; ++i) {
    auto k = z.pick(random);
    CAF_REQUIRE(k >= 1 && k <= 1000);
    ++seen[k];
  }
  double harmonic = 0;
  for (int k = 1; k <= 1000; ++k)
    harmonic += 1.0 / k;
  for (uint64_t k : {1, 2, 10}) {
    auto wanted = picks / (harmonic * static_cast<double>(k));
    CAF_CHECK(seen[k] > wanted * 0.9 && seen[k] < wanted * 1.1);
  }
}

CAF_TEST(zipf with other exponents and a single number) {
  random_source random{4};
  for (double exponent : {0.1, 0.9, 1.1, 3.0}) {
    zipf one{1, exponent};
    CAF_CHECK_EQUAL(one.pick(random), 1u);
    zipf many{100, exponent};
    std::set<uint64_t> seen;
    for (int i = 0; i < 5'000; ++i)
      seen.insert(many.pick(random));
    CAF_CHECK(*seen.begin() == 1 && *seen.rbegin() <= 100);
    CAF_CHECK(exponent > 1 || seen.size() == 100u);
  }
}

CAF_TEST(weights are kept and nothing without weight is picked) {
  weighted w{{3, 0, 1}};
  random_source random{5};
  std::vector<int> seen(3);
  for (int i = 0; i < 40'000; ++i)
    ++seen[w.pick(random)];
  CAF_CHECK_EQUAL(seen[1], 0);
  CAF_CHECK(seen[0] > 29'000 && seen[0] < 31'000);
}
