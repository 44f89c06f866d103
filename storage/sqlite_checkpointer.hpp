#pragma once

#include "storage/sqlite_connection.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace beckon::storage::sqlite {

/// Writes the WAL back into the database file, away from the commits: a thread of its own copies the bulk
/// while writes go on, and the writer copies what little came in meanwhile, after which the WAL starts anew
/// from its beginning. Runs on: own thread (the bulk), the writer's thread (the rest). Bounds: a WAL that has
/// grown to `hard_factor` times its size is written back by the writer at once.
class checkpointer {
 public:
  static constexpr int64_t hard_factor = 16;

  /// `on_failure` is called, from either thread, with an error that must stop further writes.
  checkpointer(const std::string& path, int64_t start_pages,
               std::function<void(const caf::error&)> on_failure);
  ~checkpointer();
  checkpointer(const checkpointer&) = delete;
  checkpointer& operator=(const checkpointer&) = delete;

  /// Has the commits of `writer` counted. `writer` must not commit after this object is gone.
  void watch(connection& writer);

  /// To be called by the writer between two transactions.
  void finish_if_due(connection& writer);

 private:
  static int on_commit(void* self, sqlite3*, const char*, int pages_in_wal);
  void run();
  void copy_bulk();
  /// Pages left in the WAL, or -1 when it could not be copied now.
  int64_t checkpoint(connection& db, int mode);

  const int64_t start_pages_;
  const std::function<void(const caf::error&)> on_failure_;
  connection db_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  bool due_ = false;
  std::atomic<bool> bulk_copied_{false};
  std::atomic<bool> running_{false};
  std::atomic<int64_t> pages_in_wal_{0};
  std::thread thread_;
};

} // namespace beckon::storage::sqlite
