#include "actors/work/outbox_shipper.hpp"

#include "actors/context/cluster_context.hpp"
#include "decision/hash.hpp"
#include "storage/size_bytes.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <utility>

namespace beckon::actors {

namespace {

/// From the first event that comes to an empty outbox until it is shipped with what came meanwhile.
constexpr std::chrono::milliseconds gather_pause{10};

/// While events wait or are under way: figures are told, and a group that is overdue is found.
constexpr int64_t watch_pause_ms = 1000;

/// Of events in one message to another node.
constexpr size_t part_bytes_max = 1u << 20;

using event_rows = std::vector<storage::event_row>;

/// Takes the first of `from`, from place `first` on, that keep within both bounds; at least one.
event_rows take_part(event_rows& from, size_t& first, size_t events_max, size_t bytes_max) {
  event_rows part;
  size_t bytes = 0;
  for (; first < from.size() && part.size() < events_max; ++first) {
    bytes += storage::size_bytes(from[first]);
    if (!part.empty() && bytes > bytes_max)
      break;
    part.push_back(std::move(from[first]));
  }
  return part;
}

} // namespace

const char* outbox_shipper_state::name = "outbox_shipper";

// Whoever appended says so; while a group is under way the next one follows it by itself.
void outbox_shipper_state::wake() {
  if (gathering || failing || !under_way.empty())
    return;
  gathering = true;
  self->delayed_send(self, gather_pause, beat_atom::value);
}

// The timer set last counts, and there is none while the outbox is empty.
void outbox_shipper_state::watch(int64_t pause_ms) {
  watching = true;
  self->delayed_send(self, std::chrono::milliseconds{pause_ms}, retry_atom::value, ++watch_number);
}

void outbox_shipper_state::retry(uint64_t number) {
  if (number != watch_number)
    return;
  watching = false;
  publish();
  if (is_overdue()) {
    spdlog::warn("outbox: no answer about events that were shipped; shipping them again");
    give_up_group();
  }
  if (under_way.empty())
    ship();
  else
    watch(watch_pause_ms);
}

void outbox_shipper_state::fail() {
  failing = true;
  watch(node->options.ship_retry_ms);
}

// Every part has its answer within the time-outs of those who have it, unless one of them died with it.
bool outbox_shipper_state::is_overdue() const {
  return node->cluster && !under_way.empty()
         && node->cluster->steady_ms() - begun_ms > 2 * node->cluster->options.apply_timeout_ms;
}

void outbox_shipper_state::ship() {
  if (node->outbox->depth().batches == 0) {
    failing = false;
    publish();
    finish();
    return;
  }
  if (!watching)
    watch(watch_pause_ms);
  auto batches = node->outbox->oldest(node->options.ship_events_max);
  if (!batches) {
    fail();
    spdlog::error("outbox: cannot be read: {}", storage::describe(batches.error()));
    finish();
    return;
  }
  if (suspects != 0)
    batches->resize(std::min(batches->size(), std::max<size_t>(suspects / 2, 1)));
  if (batches->empty())
    return;
  event_rows all;
  for (auto& batch : *batches) {
    under_way.push_back(batch.seq);
    all.insert(all.end(), std::make_move_iterator(batch.events.begin()),
               std::make_move_iterator(batch.events.end()));
  }
  events_under_way = all.size();
  duplicates = 0;
  fault = {};
  streams.clear();
  parts.clear();
  if (!split(std::move(all))) {
    settle_group();
    return;
  }
  for (size_t i = 0; i < streams.size(); ++i)
    send_next(i);
}

// By lane of the writers, and within a lane in order and bounded, so that a claim that shares the lane waits
// for one part at most. Another node's lanes are thought to be as many as here.
void outbox_shipper_state::add_streams(event_rows events, const gateway_actor& there) {
  const auto& o = node->options;
  std::vector<event_rows> by_lane(std::max<size_t>(1, o.event_lanes == 0 ? o.writers : o.event_lanes));
  for (auto& e : events)
    by_lane[decision::shard_of(e.user) % by_lane.size()].push_back(std::move(e));
  for (auto& lane : by_lane) {
    if (lane.empty())
      continue;
    stream s{there, {}};
    for (size_t first = 0; first < lane.size();)
      s.waiting.push_back(
          take_part(lane, first, o.batch_events_max, std::min(o.batch_bytes_max, part_bytes_max)));
    streams.push_back(std::move(s));
  }
}

// False when some of the users have no owner now: then nothing is sent.
bool outbox_shipper_state::split(event_rows events) {
  if (!node->cluster) {
    add_streams(std::move(events), {});
    return true;
  }
  auto owners = node->cluster->owners();
  std::map<storage::incarnation_id, event_rows> by_owner;
  for (auto& e : events) {
    const auto& owner = owners->shards[decision::shard_of(e.user)];
    if (owner.incarnation == 0 || (owner.incarnation != owners->self && !owner.gateway)) {
      fault = {work_error::kind::store, storage::errc::unavailable, "a shard has no owner now"};
      return false;
    }
    by_owner[owner.incarnation].push_back(std::move(e));
  }
  for (auto& [owner, owned] : by_owner) {
    auto gateway = owner == owners->self ? gateway_actor{}
                                         : owners->shards[decision::shard_of(owned.front().user)].gateway;
    add_streams(std::move(owned), gateway);
  }
  return true;
}

void outbox_shipper_state::send_next(size_t of) {
  auto& s = streams[of];
  if (s.waiting.empty())
    return;
  auto next = std::move(s.waiting.front());
  s.waiting.pop_front();
  if (s.there)
    send_there(of, std::move(next));
  else
    send_here(of, std::move(next));
}

void outbox_shipper_state::send_here(size_t of, event_rows events) {
  std::vector<storage::shard_fence> held;
  if (node->cluster) {
    held = fences_of(events, *node->cluster->owners());
    begun_ms = node->cluster->steady_ms();
  }
  work_key key{decision::shard_of(events.front().user)};
  parts.emplace(++token, part{of, nullptr});
  ask_write(self, node->handles()->writers, key,
            storage::event_batch_write{std::move(events), std::move(held)}, token);
}

void outbox_shipper_state::send_there(size_t of, event_rows events) {
  begun_ms = node->cluster->steady_ms();
  auto ask = std::make_shared<events_ask>();
  ask->token = ++token;
  ask->events = std::move(events);
  ask->client = self;
  parts.emplace(token, part{of, ask});
  self->send(streams[of].there, events_ask_ptr{std::move(ask)});
}

void outbox_shipper_state::settle(const write_result& result) {
  auto why = result.error;
  if (why.ok() && result.outcome.status == storage::write_status::fenced) {
    self->send(node->cluster->map(), look_atom::value);
    why = {work_error::kind::store, storage::errc::unavailable, "a shard has another owner by now"};
  }
  settle_part(result.token, result.outcome.duplicates, std::move(why));
}

// What an owner that cannot be reached should apply is stored from here, under that owner's fence: it holds
// as long as he is the owner, and his next claim finds a newer version of the state and reads it. So one link
// that is cut does not hold all events up.
void outbox_shipper_state::settle(const events_answer& answer) {
  if (auto i = parts.find(answer.token); answer.unreachable && i != parts.end() && i->second.there) {
    auto sent = i->second;
    auto held = fences_of(sent.there->events, *node->cluster->owners());
    auto owned = std::all_of(held.begin(), held.end(), [](const auto& h) { return h.held.owner != 0; });
    if (owned) {
      parts.erase(i);
      send_here(sent.of, sent.there->events);
      return;
    }
  }
  work_error why;
  if (answer.result != cluster::events_result::done) {
    auto rejected = answer.result == cluster::events_result::rejected;
    why = {work_error::kind::store, rejected ? storage::errc::rejected : storage::errc::unavailable,
           answer.detail};
  }
  settle_part(answer.token, answer.duplicates, std::move(why));
}

void outbox_shipper_state::settle_part(uint64_t which, uint32_t found_again, work_error why) {
  auto i = parts.find(which);
  if (i == parts.end())
    return;
  auto of = i->second.of;
  parts.erase(i);
  duplicates += found_again;
  if (why.ok())
    send_next(of);
  // A part that cannot be stored now is tried again with the rest, and only what is left then is refused.
  else if (fault.ok() || fault.code == storage::errc::rejected)
    fault = std::move(why);
  if (parts.empty())
    settle_group();
}

void outbox_shipper_state::settle_group() {
  if (!fault.ok()) {
    refused();
    return;
  }
  auto group = std::exchange(under_way, {});
  if (auto err = node->outbox->shipped(group.back())) {
    fail();
    spdlog::error("outbox: shipped, but the position was not moved: {}", storage::describe(err));
    return;
  }
  if (failing)
    spdlog::info("outbox: shipping again");
  failing = false;
  suspects -= std::min(suspects, group.size());
  node->metrics->outbox_shipped->Increment(static_cast<double>(events_under_way));
  node->metrics->events_duplicate->Increment(duplicates);
  publish();
  ship();
}

void outbox_shipper_state::refused() {
  auto group = std::exchange(under_way, {});
  auto code = fault.what == work_error::kind::store ? fault.code : storage::errc::unavailable;
  if (code != storage::errc::rejected) {
    if (!failing)
      spdlog::warn("outbox: the store does not take events now: {}; they stay in the outbox", fault.detail);
    fail();
    if (!may_recover())
      finish();
    return;
  }
  suspects = group.size();
  if (group.size() == 1)
    set_aside(group.front());
  if (!failing)
    ship();
}

void outbox_shipper_state::set_aside(int64_t seq) {
  suspects = 0;
  spdlog::error("outbox: the store refuses batch {}: {}; it is kept in the table 'refused' of the outbox",
                seq, fault.detail);
  node->metrics->outbox_refused->Increment();
  if (auto err = node->outbox->set_aside(seq, fault.detail)) {
    fail();
    spdlog::error("outbox: the batch could not be kept aside: {}", storage::describe(err));
  }
}

// Whether the group arrived is not known: it is shipped again.
void outbox_shipper_state::give_up_group() {
  under_way.clear();
  parts.clear();
}

caf::typed_response_promise<stop_atom> outbox_shipper_state::stop() {
  stopping = self->make_response_promise<stop_atom>();
  auto promise = stopping;
  if (failing && !may_recover())
    finish();
  else if (under_way.empty())
    ship();
  return promise;
}

/// Whether another try may help soon: shards that have just changed hands are found by the next one. Whoever
/// waits for the end bounds it.
bool outbox_shipper_state::may_recover() const {
  return node->cluster && node->health.store.writable;
}

void outbox_shipper_state::finish() {
  if (stopping.pending())
    stopping.deliver(stop_atom::value);
}

void outbox_shipper_state::publish() {
  auto depth = node->outbox->depth();
  auto& m = *node->metrics;
  m.outbox_events->Set(static_cast<double>(depth.events));
  m.outbox_bytes->Set(static_cast<double>(depth.bytes));
  auto age_ms = depth.oldest_ms == 0 ? 0 : node->now_ms() - depth.oldest_ms;
  m.outbox_age_seconds->Set(static_cast<double>(age_ms) / 1000.0);
}

outbox_shipper_actor::behavior_type outbox_shipper(outbox_shipper_state::self_pointer self,
                                                   node_context_ptr node) {
  self->state.self = self;
  self->state.node = std::move(node);
  self->send(self, beat_atom::value); // an earlier process may have left something
  return {
      [self](look_atom) { self->state.wake(); },
      [self](beat_atom) {
        self->state.gathering = false;
        if (self->state.under_way.empty())
          self->state.ship();
      },
      [self](retry_atom, uint64_t number) { self->state.retry(number); },
      [self](const write_result_ptr& result) { self->state.settle(*result); },
      [self](const events_answer_ptr& answer) { self->state.settle(*answer); },
      [self](lost_atom) {
        self->state.give_up_group();
        self->state.wake();
      },
      [self](stop_atom) { return self->state.stop(); },
  };
}

} // namespace beckon::actors
