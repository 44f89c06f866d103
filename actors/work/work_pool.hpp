#pragma once

#include "actors/context/interfaces.hpp"
#include "actors/context/node_context.hpp"
#include "actors/work/work_plan.hpp"
#include "actors/work/work_queue.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <array>
#include <cstdint>
#include <vector>

namespace beckon::actors {

/// Behaviour of a pool of workers: one for writers, readers and the outbox. Each lane of the plan gets its
/// worker later, under its number, and again when that one died. A job's class and key choose its lane.
template <class Job, class Result>
struct work_pool_state {
  using self_pointer = typename work_pool_actor<Job, Result>::template stateful_pointer<work_pool_state>;
  using ask_ptr = work_ask_ptr<Job, Result>;
  using queue = work_queue<ask_ptr>;

  /// What waits of one class in one lane.
  struct line {
    class_plan plan;
    queue jobs;
    uint8_t passed_over = 0; // groups that went while this waited
  };

  struct lane {
    uint32_t number;
    std::vector<line> lines;          // the most urgent first
    worker_actor<Job, Result> worker; // null while it is away
    std::vector<ask_ptr> in_flight;   // what the worker does now
    bool busy = false;
    bool favoured = false; // the last group was one whose class had been passed over
  };

  self_pointer self = nullptr;
  node_context_ptr node;
  work_plan plan;
  std::vector<lane> lanes;
  std::array<std::vector<uint32_t>, work_class_count> lanes_of; // by class
  bool stopping = false;
  caf::typed_response_promise<stop_atom> stopped;

  void start();
  void enqueue(ask_ptr ask);
  void attach(uint32_t number, worker_actor<Job, Result> worker);
  void detach(const caf::actor_addr& worker);
  void complete(work_report<Result>& report);
  void check(uint64_t which);
  void look_for_late();
  caf::typed_response_promise<stop_atom> stop();

  static constexpr const char* name = "work_pool";

 private:
  struct waiting {
    size_t jobs = 0;
    size_t bytes = 0;
  };

  int64_t now_ms() const;
  line* line_of(lane& l, work_class c);
  void pump(lane& l);
  std::vector<ask_ptr> next_group(lane& l);
  line* most_urgent(lane& l);
  void send_group(lane& l, std::vector<ask_ptr> asks);
  void refuse(work_class c, const work_ask<Job, Result>& ask, const char* why);
  void refuse_late(lane& l);
  void refuse_all(lane& l, const char* why);
  void distribute(lane& l, work_report<Result>& report);
  void note_health(const work_error& error);
  void arm_check();
  void arm_late(int64_t in_ms);
  void finish_if_idle();
  template <class F>
  void change(line& of, F&& f);

  std::array<waiting, work_class_count> waiting_{};
  int64_t shortest_wait_ms_ = 0;
  uint64_t checks_ = 0;     // the number of the timer that counts
  uint32_t next_check_ = 0; // lane
  bool late_armed_ = false;
};

using writer_pool_state = work_pool_state<storage::write_job, write_result>;
using reader_pool_state = work_pool_state<read_job, read_result>;

extern template struct work_pool_state<storage::write_job, write_result>;
extern template struct work_pool_state<read_job, read_result>;

writer_pool_actor::behavior_type writer_pool(writer_pool_state::self_pointer self, node_context_ptr node,
                                             work_plan plan);
reader_pool_actor::behavior_type reader_pool(reader_pool_state::self_pointer self, node_context_ptr node,
                                             work_plan plan);

} // namespace beckon::actors
