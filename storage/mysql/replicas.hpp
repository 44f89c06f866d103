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

/// Knows how old the data of each replica may be. A thread for each replica writes the time of this process's
/// own steady clock into a row of the primary, and looks which time has come through: everything that was
/// committed before that time is on the replica. No clock but that one takes part, and no privilege is
/// needed. A replica that hangs or has lost its primary grows stale by itself. Threadsafe. Blocks: never, but
/// for the end, which waits for a look that is under way.
class replica_watch {
 public:
  /// `primary` must outlive this.
  replica_watch(std::shared_ptr<const mysql_options> options, connection_pool& primary);
  ~replica_watch();
  replica_watch(const replica_watch&) = delete;
  replica_watch& operator=(const replica_watch&) = delete;

  struct replica;

  /// A replica whose data are no older than replica_staleness_ms, each of several in turn; null when there is
  /// none.
  replica* fresh_enough();
  static connection_pool& pool_of(replica& r);
  /// What came of a read there. After a failure it is left out until a look has succeeded.
  void note_done(replica& r);
  void note_failed(replica& r, const caf::error& why);

  std::vector<replica_stats> stats() const;
  std::vector<pool_stats> pools() const;
  /// For people: which replicas are left out; empty when none is.
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
  mutable std::mutex mutex_; // of `stopping_` and of the replicas' last failures
  std::condition_variable stop_;
  bool stopping_ = false;
};

} // namespace beckon::storage::mysql
