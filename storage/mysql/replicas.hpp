#pragma once

#include "storage/mysql/pool.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace beckon::storage::mysql {

/// Knows the age of each replica's data. A thread per replica writes the time of this process's own steady
/// clock into a row of the primary, and checks which time has arrived on the replica: everything committed
/// before that time is there too. No other clock is involved, and no privilege is needed. A replica that
/// hangs or has lost its primary becomes stale by itself. Threadsafe. Blocks: only at the end, for a running
/// check.
class replica_watch {
 public:
  /// `primary` must outlive this.
  replica_watch(std::shared_ptr<const mysql_options> options, connection_pool& primary);
  ~replica_watch();
  replica_watch(const replica_watch&) = delete;
  replica_watch& operator=(const replica_watch&) = delete;

  struct replica;

  /// A replica whose data are at most replica_staleness_ms old, taken in turn; null if there is none.
  replica* fresh_enough();
  static connection_pool& pool_of(replica& r);
  /// The result of a read there. After a failure the replica is skipped until a check succeeds.
  void note_done(replica& r);
  void note_failed(replica& r, const caf::error& why);

  std::vector<replica_stats> stats() const;
  std::vector<pool_stats> pools() const;
  /// For people: the skipped replicas; empty if there are none.
  std::string warning() const;

 private:
  void watch(replica& r);
  void look(replica& r, const std::string& row);
  bool pause();
  bool usable(const replica& r) const;

  const std::shared_ptr<const mysql_options> options_;
  connection_pool& primary_;
  std::vector<std::unique_ptr<replica>> replicas_;
  std::atomic<size_t> turn_{0};
  mutable std::mutex mutex_; // guards `stopping_` and the replicas' last failures
  std::condition_variable stop_;
  bool stopping_ = false;
};

} // namespace beckon::storage::mysql
