#include "actors/work/outbox_shipper.hpp"

#include "actors/context/cluster_context.hpp"
#include "decision/hash.hpp"

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

/// How often an idle shipper looks whether something has come; a look is a few numbers in memory.
constexpr std::chrono::milliseconds look_interval{10};

/// Of events in one message to another node.
constexpr size_t part_bytes_max = 1u << 20;

size_t size_bytes(const storage::event_row& e) {
  constexpr size_t numbers = 64;
  return numbers + e.id.size() + e.name.size() + e.user.size() + e.popup.size() + e.variant.size()
         + e.decision_id.size() + e.properties.size();
}

} // namespace

const char* outbox_shipper_state::name = "outbox_shipper";

void outbox_shipper_state::beat() {
  auto pause = failing ? std::chrono::milliseconds{node->options.ship_retry_ms} : look_interval;
  self->delayed_send(self, pause, beat_atom::value);
  publish();
  if (is_overdue()) {
    spdlog::warn("outbox: no answer about events that were shipped; shipping them again");
    give_up_group();
  }
  if (under_way.empty())
    ship();
}

// Every part has its answer within the time-outs of those who have it, unless one of them died with it.
bool outbox_shipper_state::is_overdue() const {
  return node->cluster && !under_way.empty()
         && node->cluster->steady_ms() - begun_ms > 2 * node->cluster->options.apply_timeout_ms;
}

void outbox_shipper_state::ship() {
  if (node->outbox->depth().batches == 0) {
    finish();
    return;
  }
  auto batches = node->outbox->oldest(singly ? 1 : node->options.ship_events_max);
  if (!batches) {
    failing = true;
    spdlog::error("outbox: cannot be read: {}", storage::describe(batches.error()));
    finish();
    return;
  }
  if (batches->empty())
    return;
  std::vector<storage::event_row> all;
  for (auto& batch : *batches) {
    under_way.push_back(batch.seq);
    all.insert(all.end(), std::make_move_iterator(batch.events.begin()),
               std::make_move_iterator(batch.events.end()));
  }
  events_under_way = all.size();
  duplicates = 0;
  fault = {};
  parts.clear();
  begun_ms = node->cluster ? node->cluster->steady_ms() : 0;
  if (!node->cluster)
    send_here(std::move(all), {});
  else if (!split(std::move(all)))
    settle_group();
}

// False when some of the users have no owner now: then nothing is sent.
bool outbox_shipper_state::split(std::vector<storage::event_row> events) {
  auto owners = node->cluster->owners();
  std::map<storage::incarnation_id, std::vector<storage::event_row>> by_owner;
  for (auto& e : events) {
    const auto& owner = owners->shards[decision::shard_of(e.user)];
    if (owner.incarnation == 0 || (owner.incarnation != owners->self && !owner.gateway)) {
      fault = {work_error::kind::store, storage::errc::unavailable, "a shard has no owner now"};
      return false;
    }
    by_owner[owner.incarnation].push_back(std::move(e));
  }
  for (auto& [owner, part] : by_owner) {
    if (owner == owners->self) {
      auto held = fences_of(part, *owners);
      send_here(std::move(part), std::move(held));
    } else {
      const auto& gateway = owners->shards[decision::shard_of(part.front().user)].gateway;
      send_there(gateway, std::move(part));
    }
  }
  return true;
}

void outbox_shipper_state::send_here(std::vector<storage::event_row> events,
                                     std::vector<storage::shard_fence> held) {
  auto ask = std::make_shared<write_ask>();
  ask->token = ++token;
  ask->job = storage::event_batch_write{std::move(events), std::move(held)};
  ask->client = self;
  parts.emplace(token, nullptr);
  self->send(node->handles()->writers, write_atom::value, write_ask_ptr{std::move(ask)});
}

void outbox_shipper_state::send_there(const gateway_actor& gateway, std::vector<storage::event_row> events) {
  for (size_t first = 0; first < events.size();) {
    size_t bytes = 0;
    auto last = first;
    while (last < events.size() && (last == first || bytes + size_bytes(events[last]) <= part_bytes_max))
      bytes += size_bytes(events[last++]);
    auto ask = std::make_shared<events_ask>();
    ask->token = ++token;
    ask->events.assign(std::make_move_iterator(events.begin() + static_cast<std::ptrdiff_t>(first)),
                       std::make_move_iterator(events.begin() + static_cast<std::ptrdiff_t>(last)));
    ask->client = self;
    events_ask_ptr part{std::move(ask)};
    parts.emplace(token, part);
    self->send(gateway, part);
    first = last;
  }
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
  if (auto i = parts.find(answer.token); answer.unreachable && i != parts.end() && i->second) {
    auto ask = i->second;
    auto held = fences_of(ask->events, *node->cluster->owners());
    auto owned = std::all_of(held.begin(), held.end(), [](const auto& h) { return h.held.owner != 0; });
    if (owned) {
      parts.erase(i);
      send_here(ask->events, std::move(held));
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

void outbox_shipper_state::settle_part(uint64_t part, uint32_t found_again, work_error why) {
  if (parts.erase(part) == 0)
    return;
  duplicates += found_again;
  // A part that cannot be stored now is tried again with the rest, and only what is left then is refused.
  if (!why.ok() && (fault.ok() || fault.code == storage::errc::rejected))
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
    failing = true;
    spdlog::error("outbox: shipped, but the position was not moved: {}", storage::describe(err));
    return;
  }
  if (failing)
    spdlog::info("outbox: shipping again");
  failing = false;
  singly = false;
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
    failing = true;
    if (!may_recover())
      finish();
    return;
  }
  if (group.size() > 1) {
    singly = true;
    ship();
    return;
  }
  spdlog::error("outbox: the store refuses batch {}: {}; it is kept in the table 'refused' of the outbox",
                group.front(), fault.detail);
  node->metrics->outbox_refused->Increment();
  if (auto err = node->outbox->set_aside(group.front(), fault.detail)) {
    failing = true;
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
  self->send(self, beat_atom::value);
  return {
      [self](beat_atom) { self->state.beat(); },
      [self](const write_result_ptr& result) { self->state.settle(*result); },
      [self](const events_answer_ptr& answer) { self->state.settle(*answer); },
      [self](lost_atom) { self->state.give_up_group(); },
      [self](stop_atom) { return self->state.stop(); },
  };
}

} // namespace beckon::actors
