#pragma once

#include "storage/mysql/connection.hpp"
#include "storage/mysql/reader.hpp"
#include "storage/mysql/writer.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace beckon::storage::mysql {

/// A connection with what is prepared on it.
struct pooled_connection {
  using clock = std::chrono::steady_clock;

  explicit pooled_connection(const mysql_options& options)
      : db(options), reader(db), jobs(db), opened(clock::now()), used(opened) {}

  connection db;
  row_reader reader;
  job_writer jobs;
  clock::time_point opened;
  clock::time_point used;
  uint64_t trusted = 0; // the round of distrust() that it has stood
};

/// The connections to one database: up to pool_size stay open, up to max_overflow more are made when all are
/// taken, and closed when they come back. The one used last is taken first, so that an idle node uses few.
/// Threadsafe. Blocks: for pool_timeout_ms at most while all are taken, and for the time-out of one ping or
/// of one attempt to connect. After a failure only a thread of the pool connects, one attempt at a time, the
/// first after connect_retry_ms, then after twice as long, up to connect_retry_max_ms; meanwhile whoever
/// finds no open connection is told why within a tenth of a second.
class connection_pool {
 public:
  /// `name` is what people call the database: "primary", "replica db2:3306".
  connection_pool(std::shared_ptr<const mysql_options> options, std::string name);
  ~connection_pool();
  connection_pool(const connection_pool&) = delete;
  connection_pool& operator=(const connection_pool&) = delete;

  /// A connection of this pool for as long as this lives.
  class lease {
   public:
    lease(connection_pool& from, std::unique_ptr<pooled_connection> connection, bool fresh)
        : from_(&from), connection_(std::move(connection)), fresh_(fresh) {}
    lease(lease&&) = default;
    lease& operator=(lease&&) = delete;
    ~lease();

    pooled_connection* operator->() const { return connection_.get(); }
    pooled_connection& operator*() const { return *connection_; }
    /// Whether it was made for this lease: then it cannot have been lost while it was idle.
    bool fresh() const { return fresh_; }

   private:
    connection_pool* from_;
    std::unique_ptr<pooled_connection> connection_;
    bool fresh_;
  };

  /// Throws failure: what connecting failed with, or unavailable when none became free in time.
  lease take();

  /// Has every idle connection tried before it is used: one of them was found lost, and what ended it has
  /// most likely ended the others too.
  void distrust();

  pool_stats stats() const;
  /// Why there is no connection, or just now was none to be added; empty: nothing is wrong.
  std::string trouble() const;

 private:
  using clock = pooled_connection::clock;
  using connection_ptr = std::unique_ptr<pooled_connection>;

  connection_ptr take_idle(std::vector<connection_ptr>& outworn);
  bool worn_out(const pooled_connection& c, clock::time_point now) const;
  bool has_room() const;
  bool stands_test(pooled_connection& c, uint64_t round);
  void drop_untested(connection_ptr lost);
  lease make();
  void start_probe();
  void probe();
  void note_refusal(const caf::error& why);
  void note_success();
  void give_back(connection_ptr c);
  [[noreturn]] void refuse_late() const;

  const std::shared_ptr<const mysql_options> options_;
  const std::string name_;
  mutable std::mutex mutex_; // of everything below
  std::condition_variable changed_;
  std::vector<connection_ptr> idle_; // the one used last at the end
  uint64_t open_ = 0;                // idle, taken, and being made
  uint64_t waiting_ = 0;
  uint64_t distrusted_ = 0; // rounds
  clock::time_point next_try_{};
  std::chrono::milliseconds pause_;
  bool failing_ = false; // the last attempt to connect failed, for this reason:
  caf::error last_refusal_;
  bool probing_ = false;
  pool_stats totals_;
  std::thread prober_;
};

} // namespace beckon::storage::mysql
