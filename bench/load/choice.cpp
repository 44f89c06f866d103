#include "bench/load/choice.hpp"

#include <algorithm>
#include <cmath>

namespace beckon::load {

zipf::zipf(uint64_t count, double exponent) : count_(static_cast<double>(count)), exponent_(exponent) {
  area_first_ = area(1.5) - 1.0;
  area_last_ = area(count_ + 0.5);
}

double zipf::area(double x) const {
  if (exponent_ == 1.0)
    return std::log(x);
  return (std::pow(x, 1.0 - exponent_) - 1.0) / (1.0 - exponent_);
}

double zipf::area_inverse(double a) const {
  if (exponent_ == 1.0)
    return std::exp(a);
  return std::pow(1.0 + a * (1.0 - exponent_), 1.0 / (1.0 - exponent_));
}

uint64_t zipf::pick(random_source& from) const {
  // A point below the continuous curve counts for the nearest whole number, unless it is outside that
  // number's column. More than half of all tries succeed.
  for (;;) {
    double a = area_last_ + from.fraction() * (area_first_ - area_last_);
    double k = std::clamp(std::floor(area_inverse(a) + 0.5), 1.0, count_);
    if (a >= area(k + 0.5) - std::pow(k, -exponent_))
      return static_cast<uint64_t>(k);
  }
}

weighted::weighted(const std::vector<double>& weights) {
  double sum = 0;
  for (double w : weights)
    sums_.push_back(sum += w);
}

size_t weighted::pick(random_source& from) const {
  double at = from.fraction() * sums_.back();
  auto found = std::upper_bound(sums_.begin(), sums_.end(), at);
  return static_cast<size_t>(std::min(found, sums_.end() - 1) - sums_.begin());
}

} // namespace beckon::load
