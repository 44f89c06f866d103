#include "actors/work/work_pool.hpp"

#include "actors/work/job_class.hpp"
#include "actors/work/tell_owners.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace beckon::actors {

namespace {

/// A store that cannot be written to is asked again so soon: readiness goes by the answer.
constexpr int64_t check_when_away_ms = 1000;

size_t index_of(work_class c) {
  return static_cast<size_t>(c);
}

} // namespace

template <class Job, class Result>
void work_pool_state<Job, Result>::start() {
  for (const auto& p : plan.lanes) {
    lane l;
    l.number = static_cast<uint32_t>(lanes.size());
    for (auto c : p.serves) {
      auto how = std::find_if(plan.classes.begin(), plan.classes.end(),
                              [c](const class_plan& k) { return k.which == c; });
      l.lines.push_back({*how, queue{{how->jobs_max, how->bytes_max}}});
      lanes_of[index_of(c)].push_back(l.number);
    }
    lanes.push_back(std::move(l));
  }
  shortest_wait_ms_ = INT64_MAX;
  for (const auto& c : plan.classes)
    shortest_wait_ms_ = std::min(shortest_wait_ms_, c.wait_ms);
  arm_check();
}

template <class Job, class Result>
int64_t work_pool_state<Job, Result>::now_ms() const {
  auto since = self->clock().now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

// -- jobs come ------------------------------------------------------------------------------------

template <class Job, class Result>
auto work_pool_state<Job, Result>::line_of(lane& l, work_class c) -> line* {
  return &*std::find_if(l.lines.begin(), l.lines.end(), [c](const line& k) { return k.plan.which == c; });
}

/// Runs `f`, which changes the line, and keeps the sums of its class.
template <class Job, class Result>
template <class F>
void work_pool_state<Job, Result>::change(line& of, F&& f) {
  auto& sum = waiting_[index_of(of.plan.which)];
  sum.jobs -= of.jobs.size();
  sum.bytes -= of.jobs.bytes();
  f();
  sum.jobs += of.jobs.size();
  sum.bytes += of.jobs.bytes();
  auto& m = plan.metrics->of(of.plan.which);
  m.queue_jobs->Set(static_cast<double>(sum.jobs));
  m.queue_bytes->Set(static_cast<double>(sum.bytes));
}

template <class Job, class Result>
void work_pool_state<Job, Result>::enqueue(ask_ptr ask) {
  auto c = class_of(ask->job);
  const auto& serving = lanes_of[index_of(c)];
  if (serving.empty() || stopping) {
    refuse(c, *ask, stopping ? "the node is stopping" : "this pool does no such work");
    return;
  }
  auto& l = lanes[serving[ask->key.value % serving.size()]];
  auto& to = *line_of(l, c);
  auto bytes = weight_of(ask->job);
  auto rows = rows_of(ask->job);
  ask->queued_ms = now_ms();
  bool taken = false;
  change(to, [&] { taken = to.jobs.push(std::move(ask), bytes, rows); });
  if (!taken) {
    refuse(c, *ask, "the queue is full");
    return;
  }
  pump(l);
  if (!late_armed_ && !to.jobs.empty())
    arm_late(shortest_wait_ms_);
}

template <class Job, class Result>
void work_pool_state<Job, Result>::refuse(work_class c, const work_ask<Job, Result>& ask, const char* why) {
  if (auto* overloads = plan.metrics->of(c).overloads)
    overloads->Increment();
  auto result = std::make_shared<Result>();
  result->token = ask.token;
  result->error = {work_error::kind::overloaded, {}, std::string{plan.name} + ": " + why};
  self->send(ask.client, std::shared_ptr<const Result>{std::move(result)});
}

// A job that waited too long is refused before anything happens to it: its client would have been told "not
// now" already, and that must be true.
template <class Job, class Result>
void work_pool_state<Job, Result>::refuse_late(lane& l) {
  auto now = now_ms();
  for (auto& k : l.lines) {
    auto is_late = [&] { return !k.jobs.empty() && k.jobs.front()->queued_ms + k.plan.wait_ms < now; };
    if (is_late())
      change(k, [&] {
        while (is_late())
          refuse(k.plan.which, *k.jobs.pop(), "waited too long");
      });
  }
}

/// Jobs whose worker is busy or away are refused in time as well.
template <class Job, class Result>
void work_pool_state<Job, Result>::look_for_late() {
  late_armed_ = false;
  auto soonest = INT64_MAX;
  for (auto& l : lanes) {
    refuse_late(l);
    for (const auto& k : l.lines)
      if (!k.jobs.empty())
        soonest = std::min(soonest, k.jobs.front()->queued_ms + k.plan.wait_ms + 1);
  }
  if (soonest != INT64_MAX)
    arm_late(std::min(soonest - now_ms(), shortest_wait_ms_));
  finish_if_idle();
}

template <class Job, class Result>
void work_pool_state<Job, Result>::arm_late(int64_t in_ms) {
  late_armed_ = true;
  self->delayed_send(self, std::chrono::milliseconds{std::max<int64_t>(in_ms, 0) + 1}, late_atom::value);
}

// -- workers --------------------------------------------------------------------------------------

template <class Job, class Result>
void work_pool_state<Job, Result>::attach(uint32_t number, worker_actor<Job, Result> worker) {
  auto& l = lanes[number];
  self->monitor(worker);
  l.worker = std::move(worker);
  l.busy = false;
  pump(l);
  // A worker with nothing to do asks the store at once whether it can write: a start waits for that.
  if (!l.busy && plan.health)
    send_group(l, {});
}

// A worker that died took a batch with it, of which nobody knows what became.
template <class Job, class Result>
void work_pool_state<Job, Result>::detach(const caf::actor_addr& worker) {
  for (auto& l : lanes) {
    if (!l.worker || l.worker.address() != worker)
      continue;
    l.worker = nullptr;
    work_report<Result> lost;
    for (size_t i = 0; i < l.in_flight.size(); ++i) {
      lost.results.push_back(std::make_shared<Result>());
      lost.results.back()->error = plan.died;
    }
    distribute(l, lost);
    if (stopping)
      refuse_all(l, "the node is stopping");
  }
  finish_if_idle();
}

template <class Job, class Result>
void work_pool_state<Job, Result>::pump(lane& l) {
  if (l.busy || !l.worker)
    return;
  refuse_late(l);
  auto group = next_group(l);
  if (!group.empty())
    send_group(l, std::move(group));
}

/// The line whose turn it is; null when nothing waits. One that was passed over for long enough goes first,
/// but never twice in a row, so that the most urgent class waits for one such group at most.
template <class Job, class Result>
auto work_pool_state<Job, Result>::most_urgent(lane& l) -> line* {
  line* first = nullptr;
  for (auto& k : l.lines) {
    if (k.jobs.empty())
      continue;
    if (!first) {
      first = &k;
    } else if (k.passed_over >= turns_max && !l.favoured) {
      l.favoured = true;
      return &k;
    }
  }
  l.favoured = false;
  return first;
}

template <class Job, class Result>
auto work_pool_state<Job, Result>::next_group(lane& l) -> std::vector<ask_ptr> {
  typename queue::batch group;
  auto* first = most_urgent(l);
  if (!first)
    return {};
  const auto& p = first->plan;
  change(*first, [&] { first->jobs.take(group, {p.batch_jobs_max, p.batch_bytes_max, p.batch_rows_max}); });
  first->passed_over = 0;
  // Small jobs of other classes share the transaction, and its flush, while the group stays small.
  for (auto& k : l.lines) {
    if (&k == first || k.jobs.empty())
      continue;
    auto before = group.items.size();
    if (group.rows < p.batch_jobs_max)
      change(k, [&] { k.jobs.take(group, {p.batch_jobs_max, p.batch_bytes_max, p.batch_jobs_max}); });
    auto served = group.items.size() > before;
    k.passed_over = served ? uint8_t{0} : static_cast<uint8_t>(std::min(k.passed_over + 1, int{turns_max}));
  }
  return std::move(group.items);
}

template <class Job, class Result>
void work_pool_state<Job, Result>::send_group(lane& l, std::vector<ask_ptr> asks) {
  auto batch = std::make_shared<work_batch<Job>>();
  batch->lane = l.number;
  batch->jobs.reserve(asks.size());
  for (auto& ask : asks)
    batch->jobs.push_back(std::move(ask->job));
  l.in_flight = std::move(asks);
  l.busy = true;
  if (plan.metrics->group_jobs && !l.in_flight.empty())
    plan.metrics->group_jobs->Observe(static_cast<double>(l.in_flight.size()));
  self->send(l.worker, work_batch_ptr<Job>{std::move(batch)});
}

template <class Job, class Result>
void work_pool_state<Job, Result>::complete(work_report<Result>& report) {
  auto& l = lanes[report.lane];
  distribute(l, report);
  pump(l);
  finish_if_idle();
}

template <class Job, class Result>
void work_pool_state<Job, Result>::distribute(lane& l, work_report<Result>& report) {
  auto asks = std::exchange(l.in_flight, {});
  l.busy = false;
  for (size_t i = 0; i < asks.size(); ++i) {
    auto& result = report.results[i];
    result->token = asks[i]->token;
    tell_owners(self, *node, plan.name, *result);
    self->send(asks[i]->client, std::shared_ptr<const Result>{std::move(result)});
  }
  if (plan.health && report.store)
    note_health(*report.store);
  // Also after a check: a pool that was restarted does not know what its worker did for the last one.
  if (plan.wakes_shipper)
    if (auto table = node->handles(); table && table->shipper)
      self->send(table->shipper, look_atom::value);
}

// -- health ---------------------------------------------------------------------------------------

template <class Job, class Result>
void work_pool_state<Job, Result>::note_health(const work_error& error) {
  auto& health = *plan.health;
  if (error.ok()) {
    if (!health.writable.exchange(true)) {
      health.fault({});
      spdlog::info("{}: writable", plan.name);
    }
    return;
  }
  health.fault(error.detail);
  if (health.writable.exchange(false)) {
    spdlog::error("{}: not writable: {}", plan.name, error.detail);
    arm_check();
  }
  // What the kernel did with the pages after a failed fsync is not known: only a restart reads the truth from
  // the disk.
  if (error.code == storage::errc::io_failed)
    node->health.fail(std::string{plan.name} + ": writing to the disk failed: " + error.detail);
}

/// The timer set last is the one that counts.
template <class Job, class Result>
void work_pool_state<Job, Result>::arm_check() {
  if (!plan.health)
    return;
  auto pause = plan.health->writable ? plan.check_ms : std::min(plan.check_ms, check_when_away_ms);
  self->delayed_send(self, std::chrono::milliseconds{pause}, beat_atom::value, ++checks_);
}

/// An idle store says nothing; an empty batch asks it, in one lane after the other.
template <class Job, class Result>
void work_pool_state<Job, Result>::check(uint64_t which) {
  if (which != checks_ || stopping)
    return;
  for (size_t i = 0; i < lanes.size(); ++i) {
    auto& l = lanes[(next_check_ + i) % lanes.size()];
    if (l.busy || !l.worker)
      continue;
    next_check_ = l.number + 1;
    send_group(l, {});
    break;
  }
  arm_check();
}

// -- the end --------------------------------------------------------------------------------------

template <class Job, class Result>
void work_pool_state<Job, Result>::refuse_all(lane& l, const char* why) {
  for (auto& k : l.lines)
    change(k, [&] {
      while (!k.jobs.empty())
        refuse(k.plan.which, *k.jobs.pop(), why);
    });
}

/// Nobody starts a worker again now, so what waits for one that is away is refused.
template <class Job, class Result>
caf::typed_response_promise<stop_atom> work_pool_state<Job, Result>::stop() {
  stopping = true;
  stopped = self->template make_response_promise<stop_atom>();
  auto promise = stopped;
  for (auto& l : lanes)
    if (!l.worker)
      refuse_all(l, "the node is stopping");
  finish_if_idle();
  return promise;
}

template <class Job, class Result>
void work_pool_state<Job, Result>::finish_if_idle() {
  if (!stopping || !stopped.pending())
    return;
  auto waits = [](const line& k) { return !k.jobs.empty(); };
  for (const auto& l : lanes)
    if (l.busy || std::any_of(l.lines.begin(), l.lines.end(), waits))
      return;
  stopped.deliver(stop_atom::value);
}

namespace {

template <class Job, class Result>
typename work_pool_actor<Job, Result>::behavior_type
work_pool(typename work_pool_state<Job, Result>::self_pointer self, node_context_ptr node, work_plan plan) {
  auto& st = self->state;
  st.self = self;
  st.node = std::move(node);
  st.plan = std::move(plan);
  st.start();
  self->set_down_handler([self](const caf::down_msg& down) { self->state.detach(down.source); });
  return {
      [self](const work_ask_ptr<Job, Result>& ask) { self->state.enqueue(ask); },
      [self](const work_report_ptr<Result>& report) { self->state.complete(*report); },
      [self](attach_atom, uint32_t lane, const worker_actor<Job, Result>& worker) {
        self->state.attach(lane, worker);
      },
      [self](beat_atom, uint64_t which) { self->state.check(which); },
      [self](late_atom) { self->state.look_for_late(); },
      [self](stop_atom) { return self->state.stop(); },
  };
}

} // namespace

template struct work_pool_state<storage::write_job, write_result>;
template struct work_pool_state<read_job, read_result>;

writer_pool_actor::behavior_type writer_pool(writer_pool_state::self_pointer self, node_context_ptr node,
                                             work_plan plan) {
  return work_pool<storage::write_job, write_result>(self, std::move(node), std::move(plan));
}

reader_pool_actor::behavior_type reader_pool(reader_pool_state::self_pointer self, node_context_ptr node,
                                             work_plan plan) {
  return work_pool<read_job, read_result>(self, std::move(node), std::move(plan));
}

} // namespace beckon::actors
