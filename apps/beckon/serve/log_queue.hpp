#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

namespace prometheus {
class Counter;
class Registry;
} // namespace prometheus

namespace beckon::apps {

/// Lines on their way to a descriptor that may take them slowly or never. A thread of its own writes them,
/// and sleeps while there are none. Threadsafe; push() never waits for the descriptor.
///
/// Bounds: log_lines_max lines and log_bytes_max bytes that are not written yet; what comes beyond is dropped
/// and counted, and one line says how many as soon as lines are written again.
/// The thread is never joined, since it may be stuck in a write for ever: keep the queue until the process
/// ends.
class log_queue {
 public:
  static constexpr size_t log_lines_max = 8192;
  static constexpr size_t log_bytes_max = size_t{4} << 20;
  /// The line, with its end, that tells of so many dropped ones.
  using line_of_dropped = std::string (*)(uint64_t lines);

  log_queue(int fd, line_of_dropped tell);
  log_queue(const log_queue&) = delete;
  log_queue& operator=(const log_queue&) = delete;

  /// A line with its end.
  void push(std::string line);
  /// Waits until everything pushed so far is written; false when that takes longer.
  bool flush(std::chrono::milliseconds time);
  /// Lines that are not written yet. May be called in a signal handler.
  size_t unwritten() const { return unwritten_; }
  uint64_t dropped() const { return dropped_; }
  /// Counts what is dropped in this registry too.
  void count_in(std::shared_ptr<prometheus::Registry> registry);

 private:
  void run();
  void write_all(const std::string& text) const;

  const int fd_;
  const line_of_dropped tell_;
  std::atomic<size_t> unwritten_{0};
  std::atomic<uint64_t> dropped_{0};
  std::mutex mutex_; // of what follows
  std::condition_variable came_;
  std::condition_variable written_;
  std::deque<std::string> lines_;
  size_t bytes_ = 0; // of the lines that are not written yet
  uint64_t untold_ = 0;
  std::shared_ptr<prometheus::Registry> registry_; // keeps the counter
  prometheus::Counter* counter_ = nullptr;
};

} // namespace beckon::apps
