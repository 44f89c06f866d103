#pragma once

#include <cstdint>
#include <time.h>

namespace beckon::load {

inline int64_t clock_ns(clockid_t which) {
  timespec t{};
  clock_gettime(which, &t);
  return static_cast<int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

/// For durations and due times: never set back.
inline int64_t steady_ns() {
  return clock_ns(CLOCK_MONOTONIC);
}

/// For the ledger: Unix microseconds, comparable with the node's times.
inline int64_t unix_us() {
  return clock_ns(CLOCK_REALTIME) / 1000;
}

} // namespace beckon::load
