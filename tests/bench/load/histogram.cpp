#define CAF_SUITE load.histogram

#include "bench/load/histogram.hpp"

#include "bench/load/choice.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace beckon::load;

CAF_TEST(an empty one has no quantiles) {
  histogram h;
  CAF_CHECK_EQUAL(h.count(), 0u);
  CAF_CHECK_EQUAL(h.quantile_ns(0.99), 0);
  CAF_CHECK_EQUAL(h.max_ns(), 0);
}

CAF_TEST(a single value is every quantile and exact) {
  for (int64_t value :
       {int64_t{0}, int64_t{1}, int64_t{127}, int64_t{128}, int64_t{1'000'003}, int64_t{1} << 41}) {
    histogram h;
    h.add(value);
    for (double share : {0.0, 0.5, 0.999, 1.0})
      CAF_CHECK_EQUAL(h.quantile_ns(share), value);
  }
}

CAF_TEST(values outside count at the edge) {
  histogram h;
  h.add(-5);
  h.add(int64_t{1} << 50);
  CAF_CHECK_EQUAL(h.count(), 2u);
  CAF_CHECK_EQUAL(h.quantile_ns(0.5), 0);
  CAF_CHECK_EQUAL(h.max_ns(), int64_t{1} << 50);
}

CAF_TEST(quantiles are never too small and at most one per cent too large) {
  random_source random{7};
  histogram h;
  std::vector<int64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<int64_t>(std::exp(random.fraction() * 25.0)));
    h.add(values.back());
  }
  std::sort(values.begin(), values.end());
  for (double share : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    auto place = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
    auto exact = values[std::max<size_t>(place, 1) - 1];
    auto told = h.quantile_ns(share);
    CAF_CHECK(told >= exact);
    CAF_CHECK(static_cast<double>(told) <= static_cast<double>(exact) * 1.01);
  }
}

CAF_TEST(two of them merged are as one) {
  random_source random{8};
  histogram one;
  histogram left;
  histogram right;
  for (int i = 0; i < 5'000; ++i) {
    auto value = static_cast<int64_t>(random.below(10'000'000));
    one.add(value);
    (i % 3 == 0 ? left : right).add(value);
  }
  left.merge(right);
  CAF_CHECK_EQUAL(left.count(), one.count());
  for (double share : {0.5, 0.9, 0.99, 1.0})
    CAF_CHECK_EQUAL(left.quantile_ns(share), one.quantile_ns(share));
  left.clear();
  CAF_CHECK_EQUAL(left.count(), 0u);
  CAF_CHECK_EQUAL(left.quantile_ns(1.0), 0);
}
