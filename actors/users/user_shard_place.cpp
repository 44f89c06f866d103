#include "actors/context/cluster_context.hpp"
#include "actors/context/has_ended.hpp"
#include "actors/users/user_shard.hpp"

#include <prometheus/counter.h>

#include <algorithm>
#include <chrono>
#include <utility>

// Where a shard is, how it treats asks while it is elsewhere, and how it moves.
namespace beckon::actors {

using admission = cluster::shard_machine::admission;
using effect = cluster::shard_machine::effect;

namespace {

const ask_way& way_of(const pending_ask& ask) {
  if (const auto* d = std::get_if<pending_decide>(&ask))
    return d->ask->way;
  return std::get<pending_user>(ask).ask->way;
}

} // namespace

// -- asks

// The sender has seen a newer catalogue and must not be shown what is no longer in it.
bool user_shard_state::is_behind(const ask_way& way) const {
  return way.forwarded() && (catalog ? catalog->version() : 0) < way.catalog_known;
}

admission user_shard_state::admission_of(const pending_ask& ask) const {
  const auto& way = way_of(ask);
  auto a = place.admit(way.forwarded(), way.epoch_known);
  return a == admission::serve && is_behind(way) ? admission::hold : a;
}

bool user_shard_state::admits(pending_ask& ask) {
  switch (admission_of(ask)) {
  case admission::serve:
    return true;
  case admission::hold:
    hold(std::move(ask));
    break;
  case admission::forward:
    forward(ask);
    break;
  case admission::moved:
    tell_owner(ask);
    break;
  }
  return false;
}

void user_shard_state::hold(pending_ask ask) {
  if (held.size() >= node->options.hold_asks_max) {
    give_up(ask, ask_status::moving);
    return;
  }
  // The sender may know an owner or a catalogue that this node has not heard of.
  if (held.empty() && node->cluster && node->cluster->map())
    self->send(node->cluster->map(), look_atom::value);
  if (auto table = node->handles(); table && table->catalog && is_behind(way_of(ask)))
    self->send(table->catalog, look_atom::value, way_of(ask).catalog_known);
  held.push_back({std::move(ask), node->now_ms() + node->options.hold_ms});
  if (!std::exchange(hold_timed, true))
    self->delayed_send(self, std::chrono::milliseconds{node->options.hold_ms}, hold_atom::value);
}

void user_shard_state::end_hold() {
  hold_timed = false;
  auto now = node->now_ms();
  while (!held.empty() && held.front().until_ms <= now) {
    auto ask = std::move(held.front().ask);
    held.pop_front();
    give_up(ask, ask_status::moving);
  }
  if (held.empty())
    return;
  hold_timed = true;
  auto wait_ms = std::min(std::max<int64_t>(held.front().until_ms - now, 1), node->options.hold_ms);
  self->delayed_send(self, std::chrono::milliseconds{wait_ms}, hold_atom::value);
}

void user_shard_state::forward(pending_ask& ask) {
  auto sendings = way_of(ask).sendings;
  if (!owner) {
    give_up(ask, ask_status::unavailable);
    return;
  }
  // The order that names the next gateway is on its way behind this ask.
  if (has_ended(owner) || sendings >= ask_way::sendings_max) {
    give_up(ask, ask_status::moving);
    return;
  }
  ask_way way;
  way.epoch_known = place.order().epoch;
  way.catalog_known = catalog ? catalog->version() : 0;
  way.sendings = static_cast<uint8_t>(sendings + 1);
  if (auto* d = std::get_if<pending_decide>(&ask)) {
    auto copy = std::make_shared<decide_ask>(*d->ask);
    copy->way = way;
    d->promise.delegate(owner, decide_atom::value, decide_ask_ptr{std::move(copy)});
    return;
  }
  auto& u = std::get<pending_user>(ask);
  auto copy = std::make_shared<user_ask>(*u.ask);
  copy->way = way;
  u.promise.delegate(owner, user_atom::value, user_ask_ptr{std::move(copy)});
}

void user_shard_state::tell_owner(pending_ask& ask) {
  moved_to where{place.order().owner, place.order().epoch};
  if (auto* d = std::get_if<pending_decide>(&ask)) {
    auto answer = std::make_shared<decide_answer>();
    answer->status = ask_status::moved;
    answer->ask = d->ask;
    answer->moved = where;
    d->promise.deliver(decide_answer_ptr{std::move(answer)});
    return;
  }
  auto& u = std::get<pending_user>(ask);
  auto answer = std::make_shared<user_answer>();
  answer->status = ask_status::moved;
  answer->ask = u.ask;
  answer->moved = where;
  u.promise.deliver(user_answer_ptr{std::move(answer)});
}

// In order; an ask that must wait longer is held again, within its original time.
void user_shard_state::release_held() {
  auto asks = std::exchange(held, {});
  for (auto& h : asks) {
    if (admission_of(h.ask) == admission::hold) {
      held.push_back(std::move(h));
      continue;
    }
    if (!admits(h.ask))
      continue;
    if (auto* d = std::get_if<pending_decide>(&h.ask))
      serve(std::move(*d));
    else
      serve(std::move(std::get<pending_user>(h.ask)));
  }
}

// -- orders

void user_shard_state::obey(const shard_orders& orders) {
  owner = orders.gateway;
  switch (place.apply(orders.order)) {
  case effect::none:
    return;
  case effect::serve:
    handed = false;
    break;
  case effect::start:
    lose();
    break;
  case effect::hand_over:
    begin_hand_over();
    return;
  case effect::lose:
    lose();
    break;
  }
  release_held();
}

// What waits behind running work continues at the next owner; only running work is finished here.
void user_shard_state::begin_hand_over() {
  handed = false;
  for (const auto& [token, user] : under_way)
    hold_waiting(*users.find(user));
  finish_hand_over();
}

void user_shard_state::hold_waiting(user_entry& e) {
  auto asks = std::exchange(e.work->waiting, {});
  waiting -= asks.size();
  counters().waiting.set(waiting);
  for (auto& ask : asks)
    hold(std::move(ask));
}

void user_shard_state::finish_hand_over() {
  if (place.phase() != cluster::shard_phase::handing_over || handed || !under_way.empty() || owing > 0)
    return;
  handed = true;
  self->send(node->cluster->map(), handed_atom::value, number, place.order().epoch);
}

// Abandon running work: late results find nothing. The next owner reads what was written.
void user_shard_state::lose() {
  for (auto& [token, user] : std::exchange(under_way, {})) {
    auto& e = *users.find(user);
    hold_waiting(e);
    if (e.now == user_entry::phase::writing || e.now == user_entry::phase::asking)
      give_up(e.work->current, ask_status::unavailable);
  }
  users.clear();
  replays.forget_all();
  owing = 0;
  handed = false;
  counters().users.set(0);
}

void user_shard_state::note_fenced() {
  node->cluster->metrics->fenced->Increment();
  self->send(node->cluster->map(), look_atom::value);
}

} // namespace beckon::actors
