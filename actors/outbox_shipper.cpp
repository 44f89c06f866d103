#include "actors/outbox_shipper.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <iterator>
#include <utility>

namespace beckon::actors {

namespace {

/// How often an idle shipper looks whether something has come; a look is a few numbers in memory.
constexpr std::chrono::milliseconds look_interval{10};

} // namespace

const char* outbox_shipper_state::name = "outbox_shipper";

void outbox_shipper_state::beat() {
  auto pause = failing ? std::chrono::milliseconds{node->options.ship_retry_ms} : look_interval;
  self->delayed_send(self, pause, beat_atom::value);
  publish();
  if (under_way.empty())
    ship();
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
  storage::event_batch_write all;
  for (auto& batch : *batches) {
    under_way.push_back(batch.seq);
    all.events.insert(all.events.end(), std::make_move_iterator(batch.events.begin()),
                      std::make_move_iterator(batch.events.end()));
  }
  events_under_way = all.events.size();
  auto ask = std::make_shared<write_ask>();
  ask->token = ++token;
  ask->job = std::move(all);
  ask->client = self;
  self->send(node->handles()->writers, write_atom::value, write_ask_ptr{std::move(ask)});
}

void outbox_shipper_state::settle(const write_result& result) {
  if (result.token != token || under_way.empty())
    return;
  auto group = std::exchange(under_way, {});
  if (!result.error.ok()) {
    under_way = std::move(group);
    refused(result);
    return;
  }
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
  node->metrics->events_duplicate->Increment(result.outcome.duplicates);
  publish();
  ship();
}

void outbox_shipper_state::refused(const write_result& result) {
  auto group = std::exchange(under_way, {});
  auto code = result.error.what == work_error::kind::store ? result.error.code : storage::errc::unavailable;
  if (code != storage::errc::rejected) {
    if (!failing)
      spdlog::warn("outbox: the store does not take events now: {}; they stay in the outbox",
                   result.error.detail);
    failing = true;
    finish();
    return;
  }
  if (group.size() > 1) {
    singly = true;
    ship();
    return;
  }
  spdlog::error("outbox: the store refuses batch {}: {}; it is kept in the table 'refused' of the outbox",
                group.front(), result.error.detail);
  node->metrics->outbox_refused->Increment();
  if (auto err = node->outbox->set_aside(group.front(), result.error.detail)) {
    failing = true;
    spdlog::error("outbox: the batch could not be kept aside: {}", storage::describe(err));
  }
}

// Whether the group arrived is not known: it is shipped again.
void outbox_shipper_state::give_up_group() {
  under_way.clear();
}

caf::typed_response_promise<stop_atom> outbox_shipper_state::stop() {
  stopping = self->make_response_promise<stop_atom>();
  auto promise = stopping;
  if (failing)
    finish();
  else if (under_way.empty())
    ship();
  return promise;
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
      [self](lost_atom) { self->state.give_up_group(); },
      [self](stop_atom) { return self->state.stop(); },
  };
}

} // namespace beckon::actors
