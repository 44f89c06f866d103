#include "bench/load/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace beckon::load {

namespace {

constexpr unsigned parts_bits = 7; // 128 buckets for each power of two
constexpr uint64_t parts = uint64_t{1} << parts_bits;
constexpr unsigned value_bits = 42;
constexpr size_t buckets = (value_bits - parts_bits + 1) * parts + 1;

unsigned bit_width(uint64_t value) {
  return value == 0 ? 0 : 64 - static_cast<unsigned>(__builtin_clzll(value));
}

size_t bucket_of(uint64_t value) {
  auto width = bit_width(value);
  if (width <= parts_bits)
    return static_cast<size_t>(value);
  if (width > value_bits)
    return buckets - 1;
  unsigned shift = width - parts_bits - 1; // leaves parts_bits + 1 bits, of which the first is always 1
  return static_cast<size_t>((shift + 1) * parts + ((value >> shift) - parts));
}

/// The greatest value of a bucket.
uint64_t top_of(size_t bucket) {
  if (bucket < parts)
    return bucket;
  auto shift = static_cast<unsigned>(bucket / parts - 1);
  return ((parts + bucket % parts + 1) << shift) - 1;
}

} // namespace

histogram::histogram() : counts_(buckets) {}

void histogram::add(int64_t value_ns) {
  auto value = std::max<int64_t>(value_ns, 0);
  ++counts_[bucket_of(static_cast<uint64_t>(value))];
  ++count_;
  max_ns_ = std::max(max_ns_, value);
}

void histogram::merge(const histogram& other) {
  for (size_t i = 0; i < buckets; ++i)
    counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ns_ = std::max(max_ns_, other.max_ns_);
}

void histogram::clear() {
  if (count_ == 0)
    return;
  std::fill(counts_.begin(), counts_.end(), 0);
  count_ = 0;
  max_ns_ = 0;
}

int64_t histogram::quantile_ns(double share) const {
  if (count_ == 0)
    return 0;
  auto wanted = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
  wanted = std::clamp<uint64_t>(wanted, 1, count_);
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets; ++i) {
    seen += counts_[i];
    if (seen >= wanted)
      return std::min(static_cast<int64_t>(top_of(i)), max_ns_);
  }
  return max_ns_;
}

} // namespace beckon::load
