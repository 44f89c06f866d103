#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

namespace beckon::apps {

/// Handles SIGTERM, SIGINT and (unless ignored, as under nohup) SIGHUP in a thread of its own: the first
/// signal wakes the waiting thread, a second ends the process at once with 128 + its number. Create it before
/// any other thread, so that all threads inherit the blocked signals. In a worker only the first SIGTERM or
/// SIGINT counts, because a service manager may signal all processes of a service in addition to the parent;
/// the parent kills workers when it must.
class stop_signals {
 public:
  explicit stop_signals(bool for_worker);
  ~stop_signals();
  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;

  /// The first signal's number; 0 on a time-out.
  int wait_for(std::chrono::milliseconds time);
  /// The same without an end; 0 after a nudge that no wait has seen yet.
  int wait();
  /// Ends a wait. Threadsafe.
  void nudge();

 private:
  void run();
  void take(int number);

  bool for_worker_;
  sigset_t signals_{};
  std::mutex mutex_;
  std::condition_variable came_;
  int first_ = 0;
  bool nudged_ = false;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

} // namespace beckon::apps
