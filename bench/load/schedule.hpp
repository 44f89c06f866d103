#pragma once

#include <cstdint>

namespace beckon::load {

/// When each request of one thread is due. The requests of all threads together are evenly spaced, whatever
/// happens to earlier ones: this makes the load open-loop.
struct schedule {
  int64_t start_ns = 0;
  uint64_t rate = 1;    // requests a second of all threads
  uint64_t seconds = 1; // of the whole run
  uint64_t threads = 1;
  uint64_t thread = 0;

  /// The moment of this thread's `n`-th request. Exact: no error adds up over a long run.
  int64_t due_ns(uint64_t n) const {
    uint64_t place = n * threads + thread;
    return start_ns
           + static_cast<int64_t>(place / rate * 1'000'000'000 + place % rate * 1'000'000'000 / rate);
  }

  /// How many requests this thread has to send.
  uint64_t count() const {
    uint64_t all = rate * seconds;
    return all / threads + (thread < all % threads ? 1 : 0);
  }
};

} // namespace beckon::load
