#pragma once

#include "storage/sqlite/connection.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace beckon::storage::sqlite {

/// Copies the WAL back into the database file, away from the commits: its own thread copies the bulk while
/// writes go on, and the writer copies the small rest, after which the WAL restarts from its beginning.
/// Neither waits for a reader: while a reader holds an old snapshot, the WAL grows. Runs on: own thread (the
/// bulk), the writer's thread (the rest).
class checkpointer {
 public:
  /// Warn if the WAL is this many times its normal size.
  static constexpr int64_t warning_factor = 16;

  /// `on_failure` is called, from either thread, with an error that must stop further writes.
  checkpointer(const std::string& path, int64_t start_pages,
               std::function<void(const caf::error&)> on_failure);
  ~checkpointer();
  checkpointer(const checkpointer&) = delete;
  checkpointer& operator=(const checkpointer&) = delete;

  /// Counts the commits of `writer`, which must not commit after this object is gone.
  void watch(connection& writer);

  /// Called by the writer between two transactions.
  void finish_if_due(connection& writer);

  /// Called now and then while nothing is committed: a blocking reader may be gone.
  void look_again();

  /// What prevents the WAL from being written back, for people; empty: nothing. Threadsafe.
  std::string warning() const;

 private:
  struct progress {
    bool done = false;  // false: it could not even start
    bool full = false;  // out of space
    int64_t copied = 0; // pages since the WAL began
    int64_t rest = 0;   // pages left
  };

  static int on_commit(void* self, sqlite3*, const char*, int pages_in_wal);
  void run();
  void copy_bulk();
  void held_up(const progress& last);
  progress checkpoint(connection& db);

  const std::string path_;
  const int64_t start_pages_;
  const std::function<void(const caf::error&)> on_failure_;
  connection db_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  bool due_ = false;
  int64_t held_copied_ = 0;               // where the thread was last blocked
  std::atomic<int64_t> held_since_ms_{0}; // 0: not blocked
  std::atomic<int64_t> not_before_ms_{0};
  std::atomic<bool> bulk_copied_{false};
  std::atomic<bool> running_{false};
  std::atomic<int64_t> pages_in_wal_{0};
  std::thread thread_;
};

} // namespace beckon::storage::sqlite
