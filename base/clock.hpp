#pragma once

#include <chrono>
#include <cstdint>

/// The room for what has no owner: clocks, descriptors, addresses as text, UUIDs, the byte codec, the log
/// limiter. It includes no other room.
namespace beckon::base {

/// A source of time. Tests replace it with their own.
using clock_source = int64_t (*)();

/// Unix time. It can be set back: only for what people or other machines read.
inline int64_t unix_us() {
  auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since_1970).count();
}

inline int64_t unix_ms() {
  return unix_us() / 1000;
}

/// Time since some moment before this process began. Never set back: for durations and deadlines.
inline int64_t steady_ns() {
  auto since_start = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since_start).count();
}

inline int64_t steady_us() {
  return steady_ns() / 1000;
}

inline int64_t steady_ms() {
  return steady_us() / 1000;
}

} // namespace beckon::base
