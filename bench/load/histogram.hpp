#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace beckon::load {

/// Counts of durations in nanoseconds, from which quantiles are read. A bucket is at most 1/128 of its value
/// wide, so a quantile is never too small and at most 0.8 % too large; the greatest value is kept exactly.
/// The idea (a power of two, divided evenly) is that of Gil Tene's HdrHistogram. Bounds: 37 KiB; values above
/// 2^42 ns (73 minutes) count as that.  Not threadsafe.
class histogram {
 public:
  histogram();

  void add(int64_t value_ns);
  void merge(const histogram& other);
  void clear();

  uint64_t count() const { return count_; }
  int64_t max_ns() const { return max_ns_; }
  /// The smallest value that `share` (0 to 1) of all values do not exceed; 0 if there are none.
  int64_t quantile_ns(double share) const;

 private:
  std::vector<uint32_t> counts_;
  uint64_t count_ = 0;
  int64_t max_ns_ = 0;
};

} // namespace beckon::load
