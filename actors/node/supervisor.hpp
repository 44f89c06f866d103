#pragma once

#include "actors/context/interfaces.hpp"
#include "actors/context/next_turn.hpp"
#include "actors/context/node_context.hpp"
#include "storage/store.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

namespace beckon::actors {

/// State of the supervisor. One for one: what dies is started again alone, after a pause that doubles with
/// each restart in the window; more than supervisor.restarts-max in supervisor.restart-window-ms is fatal for
/// the node.
struct supervisor_state {
  using self_pointer = supervisor_actor::stateful_pointer<supervisor_state>;

  /// One long-lived actor: how to start it (again).
  struct child {
    std::string name;
    std::function<caf::strong_actor_ptr()> start;
  };

  self_pointer self = nullptr;
  node_context_ptr node;
  storage::store_ptr store;
  std::unordered_map<caf::actor_addr, child> children;
  struct due_restart {
    int64_t at_ms;
    child what;
  };
  std::vector<due_restart> due;
  std::deque<int64_t> restarts_ms; // in the window
  next_turn turn;                  // for the nearest of `due`
  uint64_t hears = 0;              // at the node's bell
  std::vector<caf::typed_response_promise<start_atom>> starting;
  caf::typed_response_promise<stop_atom> stopping;
  bool stopped = false;
  bool killing = false;

  /// A pool with its workers by lane, which outlive it: when it starts again it gets them back.
  template <class Job, class Result>
  struct crew {
    work_pool_actor<Job, Result> pool;
    std::vector<worker_actor<Job, Result>> workers;

    template <class Pool, class Publish>
    void start(supervisor_state& st, const char* pool_name, Pool make_pool, Publish publish);
    template <class Worker>
    void staff(supervisor_state& st, const char* worker_name, size_t lanes, Worker make_worker);
  };
  crew<storage::write_job, write_result> writers;
  crew<storage::write_job, write_result> appenders; // to the outbox; empty without one
  crew<read_job, read_result> readers;

  void listen();
  void start_all();
  caf::typed_response_promise<start_atom> wait_until_started();
  void child_down(const caf::down_msg& down);
  void beat();
  void look();
  caf::typed_response_promise<stop_atom> stop();

  static const char* name;

 private:
  void adopt(child c);
  void restart_due();
  void start_pools();
  void start_outbox();
  void start_cluster();
  void begin_stop();
  void leave_cluster();
  void end_membership();
  void wait_for_due();
  bool ready() const;
  std::chrono::milliseconds flush_wait() const;
  void flush_outbox();
  void flush_writers();
  void start_shards();
  void tell_lost();
  void kill_all();
  void finish_if_alone();
  void replace(const std::function<void(node_handles&)>& change);
  caf::strong_actor_ptr start_shard(uint16_t number);
};

supervisor_actor::behavior_type supervisor(supervisor_state::self_pointer self, node_context_ptr node,
                                           storage::store_ptr store);

} // namespace beckon::actors
