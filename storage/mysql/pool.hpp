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

/// A connection with its prepared statements.
struct pooled_connection {
  using clock = std::chrono::steady_clock;

  explicit pooled_connection(const mysql_options& options)
      : db(options), reader(db), jobs(db), opened(clock::now()), used(opened) {}

  connection db;
  row_reader reader;
  job_writer jobs;
  clock::time_point opened;
  clock::time_point used;
  uint64_t trusted = 0; // the round of distrust() that it has passed
};

/// The connections to one database: up to pool_size stay open, up to max_overflow more are opened when all
/// are taken, and closed after use. The most recently used one is taken first, so an idle node uses few.
/// Threadsafe. Blocks: at most pool_timeout_ms while all are taken, plus the time-out of one ping or one
/// connection attempt. After a failure only a thread of the pool connects, one attempt at a time, the first
/// after connect_retry_ms, then after twice as long, up to connect_retry_max_ms. Meanwhile callers that find
/// no open connection get the reason within a tenth of a second.
class connection_pool {
 public:
  /// `name` is the database's name for people: "primary", "replica db2:3306".
  connection_pool(std::shared_ptr<const mysql_options> options, std::string name);
  ~connection_pool();
  connection_pool(const connection_pool&) = delete;
  connection_pool& operator=(const connection_pool&) = delete;

  /// Holds a connection of this pool during its lifetime.
  class lease {
   public:
    lease(connection_pool& from, std::unique_ptr<pooled_connection> connection, bool fresh)
        : from_(&from), connection_(std::move(connection)), fresh_(fresh) {}
    lease(lease&&) = default;
    lease& operator=(lease&&) = delete;
    ~lease();

    pooled_connection* operator->() const { return connection_.get(); }
    pooled_connection& operator*() const { return *connection_; }
    /// Whether it was opened for this lease, so that it cannot have been lost while idle.
    bool fresh() const { return fresh_; }

   private:
    connection_pool* from_;
    std::unique_ptr<pooled_connection> connection_;
    bool fresh_;
  };

  /// Throws failure: the connection error, or unavailable if none became free in time.
  lease take();

  /// Makes every idle connection be tested before use: one was found lost, and its cause has probably ended
  /// the others too.
  void distrust();

  pool_stats stats() const;
  /// Why there is no connection, or none could just be added; empty: no problem.
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
  mutable std::mutex mutex_; // guards everything below
  std::condition_variable changed_;
  std::vector<connection_ptr> idle_; // the most recently used one last
  uint64_t open_ = 0;                // idle, taken, and connecting
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
