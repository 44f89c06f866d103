#pragma once

#include "bench/load/connection.hpp"
#include "bench/load/figures.hpp"
#include "bench/load/ledger_writer.hpp"
#include "bench/load/request_maker.hpp"
#include "bench/load/schedule.hpp"

#include <atomic>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace beckon::load {

struct worker_options {
  std::vector<node_address> nodes;
  schedule times; // start_ns is not used: the start is given to run()
  bool closed_loop = false;
  size_t connections = 1; // of this thread
  int64_t timeout_ns = 10'000'000'000;
  int64_t drain_ns = 5'000'000'000; // after the last request was due: for answers and batches to send again
  bool resend = true;
  std::string ledger; // directory; empty: none
  ledger_begin begin;
};

/// One thread of the generator: sends what is due over its connections, takes the answers, writes the ledger.
/// A node that is away costs errors and nothing else: connections come back by themselves with a back-off of
/// 20 to 500 ms. Bounds: as many requests in flight as connections; a request that finds no connection within
/// the time-out after it was due is not sent and counted. Runs on: own thread (run), others call
/// take_window() and stop().  Blocks: in epoll, at most 50 ms.
class worker {
 public:
  worker(const mix& m, worker_options options);
  ~worker();

  /// Connects (for at most 3 s), says so through `ready`, waits for the start and works until it is over.
  void run(std::promise<void> ready, const std::shared_future<int64_t>& start_ns);
  /// No more new requests; those in flight are waited for.
  void stop() { stopping_ = true; }
  /// What happened since the last call.
  window take_window();
  /// After run().
  const figures& result() const { return figures_; }

 private:
  struct slot {
    explicit slot(connection c) : link(std::move(c)) {}
    connection link;
    made_request request;
    uint64_t number = 0;
    int64_t due_ns = 0;
    int64_t deadline_ns = 0; // of the request, or of the connect
    int64_t free_since_ns = 0;
    int64_t retry_at_ns = 0;
    int64_t back_off_ns = 0;
    bool available = false; // stands in available_
  };

  // worker.cpp: the loop
  bool open(std::promise<void>& ready);
  void connect_all();
  void work();
  bool over(int64_t now_ns) const;
  void start_due();
  std::optional<int64_t> next_arrival(int64_t now_ns);
  void drop_overdue(int64_t now_ns);
  void wait(int64_t until_ns);
  int64_t wake_ns(int64_t now_ns) const;
  void handle(slot& s, uint32_t events);
  void tick(int64_t now_ns);
  void publish(int64_t now_ns);
  void account(int64_t cpu_ns, int64_t waited_ns, int64_t wall_ns);

  // worker_requests.cpp: one connection and its request
  void make_available(slot& s, int64_t now_ns);
  slot* take_available();
  void connect(slot& s, int64_t now_ns);
  void on_connected(slot& s, int64_t now_ns);
  void on_connect_failed(slot& s, int64_t now_ns);
  void begin(slot& s, int64_t due_ns, int64_t now_ns);
  void dispatch(slot& s, int64_t now_ns);
  void on_receive(slot& s, int64_t now_ns);
  void on_answer(slot& s, int64_t now_ns);
  void on_lost(slot& s, fault why, int64_t now_ns);
  void take_decide(slot& s, ledger_outcome& outcome, int64_t now_ns);
  void take_events(slot& s, ledger_outcome& outcome, int64_t now_ns);
  void answered(slot& s, int64_t now_ns);
  void failed(slot& s, fault why, const std::string& sample);
  void send_again(slot& s, int64_t now_ns, int64_t wait_ns);
  void back_off(slot& s, int64_t now_ns);
  void write(const ledger_outcome& outcome);

  const mix& mix_;
  worker_options options_;
  request_maker maker_;
  ledger_writer ledger_;
  random_source jitter_;
  int epoll_fd_ = -1;
  std::vector<slot> slots_;
  std::deque<uint32_t> available_;
  size_t in_flight_ = 0;
  uint64_t next_ = 0;  // of the schedule
  uint64_t count_ = 0; // where the schedule ends
  uint64_t number_ = 0;
  int64_t end_ns_ = 0;
  int64_t drain_until_ns_ = 0;
  int64_t ticked_ns_ = 0;
  int64_t published_ns_ = 0;
  bool running_ = false;
  figures figures_;
  window window_;
  std::atomic<bool> stopping_{false};
  std::mutex shared_mutex_;
  window shared_; // guarded by shared_mutex_
};

} // namespace beckon::load
