#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace beckon::load {

/// A small, fast generator of random numbers (SplitMix64 after Steele, Lea and Flood, 2014): the same seed,
/// the same load. Not for secrets.
class random_source {
 public:
  explicit random_source(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  /// In [0, 1).
  double fraction() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// In [0, bound); bound > 0. The bias of the simple way does not matter below 2^32.
  uint64_t below(uint64_t bound) { return next() % bound; }

 private:
  uint64_t state_;
};

/// Numbers 1 to `count` where k comes with a share proportional to k to the power of -exponent. In constant
/// memory: rejection-inversion after Hörmann and Derflinger (1996).
class zipf {
 public:
  zipf(uint64_t count, double exponent);
  uint64_t pick(random_source& from) const;

 private:
  double area(double x) const; // the integral of the density from 1 to x
  double area_inverse(double a) const;

  double count_;
  double exponent_;
  double area_first_;
  double area_last_;
};

/// Picks an index with a probability proportional to its weight.
class weighted {
 public:
  /// At least one weight is above 0.
  explicit weighted(const std::vector<double>& weights);
  size_t pick(random_source& from) const;

 private:
  std::vector<double> sums_;
};

} // namespace beckon::load
