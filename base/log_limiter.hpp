#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

namespace beckon::base {

/// Passes one log line of a kind per period, and counts the lines it suppressed. Threadsafe.
class log_limiter {
 public:
  static constexpr int64_t period_ms = 1000;

  /// The number of lines of this kind suppressed since the last one passed; nothing: suppress this one.
  std::optional<uint64_t> let_through(int64_t now_ms) {
    auto due = due_ms_.load(std::memory_order_relaxed);
    if (now_ms < due || !due_ms_.compare_exchange_strong(due, now_ms + period_ms)) {
      left_out_.fetch_add(1, std::memory_order_relaxed);
      return std::nullopt;
    }
    return left_out_.exchange(0);
  }

 private:
  std::atomic<int64_t> due_ms_{INT64_MIN};
  std::atomic<uint64_t> left_out_{0};
};

} // namespace beckon::base
