#include "actors/work/writer_pool.hpp"

#include "base/clock.hpp"
#include "decision/hash.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace beckon::actors {

namespace {

constexpr size_t job_overhead_bytes = 128;

struct job_bytes {
  size_t operator()(const storage::claim_write& w) const {
    auto n =
        w.user.size() + w.state.size() + (w.answer ? w.answer->body.size() + w.answer->request_id.size() : 0);
    for (const auto& s : w.shown)
      n += s.popup.size() + s.variant.size();
    return n;
  }
  size_t operator()(const storage::event_batch_write& w) const {
    size_t n = 0;
    for (const auto& e : w.events)
      n += job_overhead_bytes + e.id.size() + e.user.size() + e.popup.size() + e.properties.size();
    return n;
  }
  size_t operator()(const storage::profile_write& w) const { return w.user.size() + w.attributes.size(); }
  size_t operator()(const storage::user_erase& w) const { return w.user.size(); }
  size_t operator()(const storage::erase_piece& w) const { return w.user.size(); }
  size_t operator()(const storage::popup_write& w) const { return w.id.size() + w.document.size(); }
  size_t operator()(const storage::popup_erase& w) const { return w.id.size(); }
  size_t operator()(const storage::settings_write& w) const { return w.document.size(); }
  size_t operator()(const storage::answers_prune&) const { return 0; }
  size_t operator()(const storage::popup_mark& w) const {
    size_t n = 0;
    for (const auto& id : w.ids)
      n += id.size();
    return n;
  }
};

/// What the errors of a batch say about the store: the gravest of them.
work_error worst_of(const std::vector<work_error>& errors) {
  work_error worst;
  for (const auto& e : errors) {
    auto only_a_job = e.code == storage::errc::rejected || e.code == storage::errc::corrupt;
    if (!e.ok() && (worst.ok() || (!only_a_job && worst.code != storage::errc::io_failed)))
      worst = e;
  }
  return worst;
}

} // namespace

size_t size_bytes(const storage::write_job& job) {
  return job_overhead_bytes + std::visit(job_bytes{}, job);
}

const char* writer_pool_state::name = "writer_pool";

writer_pool_state::lane& writer_pool_state::lane_of(const write_ask& ask) {
  return lanes[ask.shard % lanes.size()];
}

void writer_pool_state::refuse(const write_ask& ask, work_error error) {
  auto result = std::make_shared<write_result>();
  result->token = ask.token;
  result->error = std::move(error);
  self->send(ask.client, write_result_ptr{std::move(result)});
}

void writer_pool_state::enqueue(write_ask_ptr ask) {
  auto& l = lane_of(*ask);
  auto bytes = size_bytes(ask->job);
  ask->queued_ms = base::steady_ms();
  if (stopping) {
    refuse(*ask, {work_error::kind::overloaded, {}, "the node is stopping"});
    return;
  }
  if (!l.queue.push(std::move(ask), bytes)) {
    role.metrics->overloads->Increment();
    refuse(*ask, {work_error::kind::overloaded, {}, "the queue of the writers is full"});
    return;
  }
  pump(l, static_cast<uint32_t>(&l - lanes.data()));
}

void writer_pool_state::pump(lane& l, uint32_t number) {
  while (!l.busy && l.writer && !l.queue.empty()) {
    auto batch = l.queue.take({node->options.batch_jobs_max, node->options.batch_bytes_max});
    refuse_late(batch);
    if (!batch.empty())
      send_batch(l, number, std::move(batch));
  }
  publish_depth();
}

// A job that waited too long is refused before anything happens to it: its client would have been told "not
// now" already, and that must be true.
void writer_pool_state::refuse_late(std::vector<write_ask_ptr>& asks) {
  auto oldest = base::steady_ms() - node->options.queue_wait_ms;
  auto late = [oldest](const write_ask_ptr& ask) { return ask->queued_ms < oldest; };
  auto first = std::stable_partition(asks.begin(), asks.end(), [&](const auto& ask) { return !late(ask); });
  for (auto i = first; i != asks.end(); ++i) {
    role.metrics->overloads->Increment();
    refuse(**i, {work_error::kind::overloaded, {}, "waited too long for a writer"});
  }
  asks.erase(first, asks.end());
}

void writer_pool_state::send_batch(lane& l, uint32_t number, std::vector<write_ask_ptr> asks) {
  auto batch = std::make_shared<write_batch>();
  batch->lane = number;
  batch->jobs.reserve(asks.size());
  for (auto& ask : asks)
    batch->jobs.push_back(std::move(ask->job));
  l.in_flight = std::move(asks);
  l.busy = true;
  if (!l.in_flight.empty())
    role.metrics->group_jobs->Observe(static_cast<double>(l.in_flight.size()));
  self->send(l.writer, write_atom::value, write_batch_ptr{std::move(batch)});
}

void writer_pool_state::attach(uint32_t number, writer_actor writer) {
  auto& l = lanes[number];
  self->monitor(writer);
  l.writer = std::move(writer);
  // A writer with nothing to do asks the store at once whether it can write: a start waits for that.
  if (l.queue.empty())
    send_batch(l, number, {});
  else
    pump(l, number);
}

// A writer that died took a batch with it whose commit may or may not have happened.
void writer_pool_state::detach(const caf::actor_addr& writer) {
  for (auto& l : lanes) {
    if (!l.writer || l.writer.address() != writer)
      continue;
    l.writer = nullptr;
    write_batch_result lost;
    // One that had nothing to do says nothing of the store; that it died is the supervisor's to tell.
    lost.only_parts_failed = l.in_flight.empty();
    lost.errors.resize(l.in_flight.size(), {work_error::kind::store, storage::errc::unknown_outcome,
                                            "the writer died in the middle of its work"});
    distribute(l, lost);
  }
  finish_if_idle();
}

void writer_pool_state::complete(const write_batch_result& result) {
  auto& l = lanes[result.lane];
  distribute(l, result);
  pump(l, result.lane);
  finish_if_idle();
}

void writer_pool_state::distribute(lane& l, const write_batch_result& batch) {
  auto asks = std::move(l.in_flight);
  l.in_flight.clear();
  l.busy = false;
  auto table = node->handles();
  for (size_t i = 0; i < asks.size(); ++i) {
    auto result = std::make_shared<write_result>();
    result->token = asks[i]->token;
    if (!batch.errors.empty())
      result->error = batch.errors[i];
    if (result->error.ok())
      result->outcome = batch.outcomes[i];
    // The owners learn of the change before the client's answer leaves, so that its next decide sees it.
    for (auto& changed : result->outcome.changed)
      self->send(table->shards[decision::shard_of(changed.user)],
                 changed_user_ptr{std::make_shared<storage::changed_user>(changed)});
    if (result->outcome.unreadable_states != 0)
      spdlog::error("{}: the stored state of user '{}' cannot be read; its events are kept, but move no "
                    "state (users: {})",
                    role.name, result->outcome.unreadable_user, result->outcome.unreadable_states);
    self->send(asks[i]->client, write_result_ptr{std::move(result)});
  }
  auto worst = worst_of(batch.errors);
  if (!batch.only_parts_failed)
    note_health(worst);
  else if (!worst.ok())
    role.metrics->failures->Increment(); // the store's warning says which database it is
}

void writer_pool_state::note_health(const work_error& error) {
  auto& health = *role.health;
  if (error.ok()) {
    if (!health.writable.exchange(true)) {
      health.fault({});
      spdlog::info("{}: writable", role.name);
    }
    return;
  }
  if (error.code == storage::errc::rejected || error.code == storage::errc::corrupt)
    return; // say something about one job, not about the store
  role.metrics->failures->Increment();
  health.fault(error.detail);
  if (health.writable.exchange(false))
    spdlog::error("{}: not writable: {}", role.name, error.detail);
  // What the kernel did with the pages after a failed fsync is not known: only a restart reads the truth from
  // the disk.
  if (error.code == storage::errc::io_failed)
    node->health.fail(std::string{role.name} + ": writing to the disk failed: " + error.detail);
}

// An idle store says nothing; an empty batch asks it.
void writer_pool_state::beat() {
  self->delayed_send(self, std::chrono::seconds{1}, beat_atom::value);
  for (uint32_t i = 0; i < lanes.size(); ++i)
    if (auto& l = lanes[i]; !l.busy && l.writer && l.queue.empty() && !stopping)
      send_batch(l, i, {});
}

caf::typed_response_promise<stop_atom> writer_pool_state::stop() {
  stopping = true;
  stopped = self->make_response_promise<stop_atom>();
  auto promise = stopped;
  finish_if_idle();
  return promise;
}

void writer_pool_state::finish_if_idle() {
  if (!stopping || !stopped.pending())
    return;
  auto working = [](const lane& l) { return l.writer && (l.busy || !l.queue.empty()); };
  if (std::none_of(lanes.begin(), lanes.end(), working))
    stopped.deliver(stop_atom::value);
}

void writer_pool_state::publish_depth() {
  size_t jobs = 0;
  size_t bytes = 0;
  for (const auto& l : lanes) {
    jobs += l.queue.size();
    bytes += l.queue.bytes();
  }
  role.metrics->queue_jobs->Set(static_cast<double>(jobs));
  role.metrics->queue_bytes->Set(static_cast<double>(bytes));
}

writer_pool_actor::behavior_type writer_pool(writer_pool_state::self_pointer self, node_context_ptr node,
                                             write_pool_role role) {
  auto& st = self->state;
  st.self = self;
  st.node = std::move(node);
  st.role = role;
  const auto& o = st.node->options;
  for (size_t i = 0; i < role.lanes; ++i)
    st.lanes.emplace_back(work_queue<write_ask_ptr>::bounds{o.write_jobs_max, o.write_bytes_max});
  self->set_down_handler([self](const caf::down_msg& down) { self->state.detach(down.source); });
  self->send(self, beat_atom::value);
  return {
      [self](write_atom, const write_ask_ptr& ask) { self->state.enqueue(ask); },
      [self](const write_batch_result_ptr& result) { self->state.complete(*result); },
      [self](attach_atom, uint32_t number, const writer_actor& writer) {
        self->state.attach(number, writer);
      },
      [self](beat_atom) { self->state.beat(); },
      [self](stop_atom) { return self->state.stop(); },
  };
}

} // namespace beckon::actors
