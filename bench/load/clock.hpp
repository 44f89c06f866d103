#pragma once

#include "base/clock.hpp"

#include <time.h>

namespace beckon::load {

/// Due times and durations, and the ledger's times, which are held against the node's.
using base::steady_ns;
using base::unix_us;

/// What the calling thread has had of a core.
inline int64_t thread_cpu_ns() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

} // namespace beckon::load
