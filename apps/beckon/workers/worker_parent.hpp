#pragma once

#include "apps/beckon/workers/configuration_snapshot.hpp"
#include "apps/beckon/workers/worker_sockets.hpp"

#include <csignal>
#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <sys/types.h>
#include <vector>

namespace beckon::apps {

/// The processes of `serve --workers`: running, about to start, about to stop.
///
/// Each process owns a directory while it lives, because an outbox has one owner. A successor answers before
/// its predecessor stops, so it takes another directory. A process that does only that ships what the
/// predecessor left in its own. The same happens to what an earlier run left.
///
/// Runs on: the only thread of its process.  Blocks: in wait_and_handle(), until something happens.
class worker_parent {
 public:
  worker_parent(config::sources from, std::vector<std::string> words, snapshot_ptr snapshot);
  ~worker_parent();
  worker_parent(const worker_parent&) = delete;
  worker_parent& operator=(const worker_parent&) = delete;

  /// Opens the sockets, and waits up to node.grace-ms for what processes of an earlier run still hold: if
  /// their parent was killed, they stop by themselves. Returns the problem, if any.
  std::string open();
  /// Runs until all processes have ended; returns the exit code.
  int run();

 private:
  struct process {
    pid_t pid = 0;
    size_t seat = 0; // index; `shipper` for a process that only ships
    int directory = 0;
    int ready_fd = -1;
    snapshot_ptr snapshot;  // its configuration
    int64_t due_ms = never; // when to kill it: not ready in time, or not stopped in time
    bool ready = false;
  };
  struct process_end {
    std::string how;
    int code = 0;   // exit_failure after a signal
    int signal = 0; // the signal that ended it
  };
  struct seat {
    pid_t holder = 0;         // the process that serves it, or will as soon as it is ready
    int directory = 0;        // of the holder, also while it is restarted
    int64_t start_at_ms = -1; // -1: no start is due
    snapshot_ptr snapshot;    // the last one it was served with
    uint32_t vain_starts = 0; // failed starts since it was last served
  };
  struct due_shipping {
    int directory = 0;
    int64_t at_ms = 0;
  };
  static constexpr size_t shipper = static_cast<size_t>(-1);
  static constexpr int64_t never = std::numeric_limits<int64_t>::max();
  static constexpr int64_t shipping_retry_ms = 5000;
  static constexpr int64_t vain_start_pause_max_ms = 5000;

  // worker_parent.cpp
  std::string outbox_in_use();
  void start_due();
  void end_overdue();
  void wait_and_handle();
  int64_t next_due_ms() const;
  void take_signals();
  void take_signal(int number);
  void take_ready(process& p);
  void tell_all_ready();
  void begin_stop(int code);
  int64_t stop_max_ms() const;
  void kill_all();

  // worker_end.cpp
  static process_end end_of(int status);
  void reap();
  void forget(pid_t pid, const process_end& end);
  void ended(const process& p, const process_end& end);
  void ended_while_stopping(const process& p, const process_end& end);
  void holder_ended(const process& p, const process_end& end);

  // worker_reload.cpp
  void reload();
  void go_on_reloading();
  void replaced(size_t seat_index);
  void give_up_reloading();
  bool is_to_be_replaced(size_t seat_index) const;
  snapshot_ptr snapshot_for(size_t seat_index) const;
  void successor_ready(const process& p);
  void successor_ended(const process& p, const std::string& how);

  // worker_start.cpp
  pid_t start_worker(size_t seat_index, int directory, const snapshot_ptr& snapshot);
  void start_shipping(int directory);
  void find_left_outboxes();
  void ship_later(int directory, int64_t at_ms);
  std::vector<std::string> words_of(const std::string& seat_text, int directory,
                                    const configuration_snapshot& snapshot) const;
  std::string path_of(int directory) const;
  bool owned(int directory) const;
  bool in_use(int directory) const;
  int free_directory() const;

  const config::configuration& cfg() const { return snapshot_->values(); }
  process* find(pid_t pid);

  config::sources from_;
  std::vector<std::string> words_;
  snapshot_ptr snapshot_; // the newest with which a worker has answered; initially the one of the start
  snapshot_ptr next_;     // of a running reload, on trial until a worker answers with it; null: none
  std::string data_dir_;  // as at the start; a reload does not change it
  worker_sockets sockets_;
  sigset_t inherited_signals_{};
  int signal_fd_ = -1;

  std::vector<seat> seats_;
  std::vector<process> processes_;
  std::vector<due_shipping> shippings_;
  std::deque<int64_t> restarts_ms_; // in the window
  std::vector<size_t> to_replace_;  // seats whose holder runs an older configuration, in order
  pid_t successor_ = 0;             // started for the first of them
  pid_t predecessor_ = 0;           // told to stop because its successor is ready

  bool all_were_ready_ = false;
  bool stopping_ = false;
  int64_t kill_at_ms_ = 0; // while stopping
  int code_ = 0;
};

} // namespace beckon::apps
