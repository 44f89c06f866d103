#include "actors/context/refusals.hpp"
#include "actors/members/gateway.hpp"
#include "decision/hash.hpp"

#include <prometheus/counter.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

// Input from a peer.
namespace beckon::actors {

void gateway_state::take(const peer_bytes& bytes) {
  std::string fault;
  auto b = cluster::decode_batch(bytes.bytes, {}, fault);
  if (b && (b->head.from != peer || b->head.to != own)) {
    fault = "it is from incarnation " + std::to_string(b->head.from) + " to " + std::to_string(b->head.to);
    b.reset();
  }
  if (!b) {
    metrics().bad_batches->Increment();
    if (auto left_out = bad_batches_.let_through(node->now_ms()))
      spdlog::warn("cluster: a message of {} (incarnation {}) is refused: {} (and {} more since the last "
                   "such message)",
                   peer_name, peer, fault, *left_out);
    return;
  }
  heard_ms_ = now();
  if (b->head.acknowledged > acknowledged_ && b->head.acknowledged <= sent_) {
    acknowledged_ = b->head.acknowledged;
    unacknowledged_since_ms_ = now();
  }
  if (b->head.sequence > taken_) {
    taken_ = b->head.sequence;
    unconfirmed_ = true;
  }
  if (link_ && !up_)
    set_up(true, "");
  for (auto& f : b->frames)
    std::visit([this](auto& x) { handle(x); }, f);
  metrics().skipped->Increment(static_cast<double>(b->skipped));
  for (auto id : b->unsupported)
    gather_answer(cluster::unsupported_frame{id});
  if (unconfirmed_ || !answers_.empty() || !asks_.front().empty())
    ask_for_flush();
}

// -- asks of the peer

/// An ask that the peer has given up must not be executed: its client was told so, and may have done
/// something else.
bool gateway_state::is_late(uint32_t deadline) const {
  auto left_ms = static_cast<int32_t>(deadline - static_cast<uint32_t>(node->now_ms()));
  if (left_ms >= 0)
    return false;
  node->cluster->metrics->timed_out->Increment();
  return true;
}

void gateway_state::handle(cluster::decide_ask_frame& f) {
  auto table = node->handles();
  if (!table || f.id == 0 || is_late(f.deadline_ms))
    return;
  auto ask = std::make_shared<decide_ask>();
  ask->request = std::move(f.request);
  ask->request_id = std::move(f.request_id);
  ask->way.forwarded_id = f.id;
  ask->way.epoch_known = f.epoch;
  ask->way.catalog_known = f.catalog;
  auto shard = decision::shard_of(ask->request.user);
  node->metrics->shard(static_cast<uint16_t>(shard)).asked.fetch_add(1, std::memory_order_relaxed);
  self->send(table->shards[shard], decide_atom::value, decide_ask_ptr{std::move(ask)});
}

namespace {

user_operation operation_of(cluster::user_verb v) {
  switch (v) {
  case cluster::user_verb::get:
    break;
  case cluster::user_verb::replace_profile:
    return user_operation::replace_profile;
  case cluster::user_verb::patch_profile:
    return user_operation::patch_profile;
  case cluster::user_verb::erase:
    return user_operation::erase;
  }
  return user_operation::get;
}

ask_status status_of(cluster::ask_result r) {
  switch (r) {
  case cluster::ask_result::done:
    return ask_status::done;
  case cluster::ask_result::overloaded:
    return ask_status::overloaded;
  case cluster::ask_result::moved:
    return ask_status::moved;
  case cluster::ask_result::unavailable:
    break;
  }
  return ask_status::unavailable;
}

} // namespace

void gateway_state::handle(cluster::user_ask_frame& f) {
  auto table = node->handles();
  if (!table || f.id == 0 || is_late(f.deadline_ms))
    return;
  auto ask = std::make_shared<user_ask>();
  ask->operation = operation_of(f.verb);
  ask->user = std::move(f.user);
  ask->document = std::move(f.document);
  ask->way.forwarded_id = f.id;
  ask->way.epoch_known = f.epoch;
  auto shard = decision::shard_of(ask->user);
  node->metrics->shard(static_cast<uint16_t>(shard)).asked.fetch_add(1, std::memory_order_relaxed);
  self->send(table->shards[shard], user_atom::value, user_ask_ptr{std::move(ask)});
}

// Only the owner applies events: each carries its shard's fence.
void gateway_state::handle(cluster::events_ask_frame& f) {
  auto table = node->handles();
  if (!table || f.id == 0 || f.events.empty() || is_late(f.deadline_ms))
    return;
  auto owners = context().owners();
  storage::event_batch_write job;
  job.held = fences_of(f.events, *owners);
  for (const auto& h : job.held) {
    if (owners->is_here(h.shard))
      continue;
    cluster::events_answer_frame moved;
    moved.id = f.id;
    moved.result = cluster::events_result::moved;
    moved.route = {h.shard, owners->shards[h.shard].incarnation, owners->shards[h.shard].epoch};
    moved.detail = "the shard has another owner";
    metrics().answered->Increment();
    gather_answer(moved);
    return;
  }
  work_key key{job.held.front().shard};
  job.events = std::move(f.events);
  ask_write(self, table->writers, key, std::move(job), f.id);
}

// -- answers of the peer

/// Whether a wrong owner knows more than the ask did: then ask again.
bool gateway_state::is_newer(const cluster::route_claim& route, const ask_way& way, const std::string& user) {
  metrics().redirected->Increment();
  if (route.shard != decision::shard_of(user) || route.epoch <= way.epoch_known || route.owner == 0)
    return false;
  self->send(context().map(), hint_atom::value, route.shard, route.owner, route.epoch);
  return true;
}

void gateway_state::handle(cluster::decide_answer_frame& f) {
  auto i = pending_.find(f.id);
  if (i == pending_.end() || !std::holds_alternative<asked_decide>(i->second))
    return; // it came too late
  auto a = std::move(std::get<asked_decide>(i->second));
  pending_.erase(i);
  if (f.result == cluster::ask_result::done) {
    auto answer = std::make_shared<decide_answer>();
    answer->ask = std::move(a.ask);
    answer->body = std::move(f.body);
    a.promise.deliver(decide_answer_ptr{std::move(answer)});
    return;
  }
  auto table = node->handles();
  if (f.result != cluster::ask_result::moved || !table) {
    a.promise.deliver(refuse(std::move(a.ask), status_of(f.result), 0, node->now_ms()));
    return;
  }
  const auto& user = a.ask->request.user;
  if (!is_newer(f.route, a.ask->way, user)) {
    a.promise.deliver(refuse(std::move(a.ask), ask_status::moving, 0, node->now_ms()));
    return;
  }
  auto again = std::make_shared<decide_ask>(*a.ask);
  again->way.epoch_known = f.route.epoch;
  a.promise.delegate(table->shards[f.route.shard], decide_atom::value, decide_ask_ptr{std::move(again)});
}

void gateway_state::handle(cluster::user_answer_frame& f) {
  auto i = pending_.find(f.id);
  if (i == pending_.end() || !std::holds_alternative<asked_user>(i->second))
    return;
  auto a = std::move(std::get<asked_user>(i->second));
  pending_.erase(i);
  auto table = node->handles();
  if (f.result == cluster::ask_result::moved && table && is_newer(f.route, a.ask->way, a.ask->user)) {
    auto again = std::make_shared<user_ask>(*a.ask);
    again->way.epoch_known = f.route.epoch;
    a.promise.delegate(table->shards[f.route.shard], user_atom::value, user_ask_ptr{std::move(again)});
    return;
  }
  if (f.result != cluster::ask_result::done) {
    auto moved = f.result == cluster::ask_result::moved;
    a.promise.deliver(refuse(std::move(a.ask), moved ? ask_status::moving : status_of(f.result)));
    return;
  }
  auto answer = std::make_shared<user_answer>();
  auto state = decision::decode_user_state(f.state);
  json::document doc;
  json::field_errors errors;
  if (!f.profile.empty() && !json::parse(f.profile, doc))
    answer->profile =
        std::make_shared<const decision::attributes>(decision::parse_attributes(doc, {}, errors));
  if ((!f.state.empty() && !state) || (!f.profile.empty() && !answer->profile) || !errors.empty()) {
    metrics().bad_batches->Increment();
    a.promise.deliver(refuse(std::move(a.ask), ask_status::unavailable));
    return;
  }
  answer->ask = std::move(a.ask);
  answer->found = f.found;
  answer->created = f.created;
  answer->errors = std::move(f.errors);
  if (state)
    answer->state = std::move(*state);
  a.promise.deliver(user_answer_ptr{std::move(answer)});
}

void gateway_state::handle(cluster::events_answer_frame& f) {
  auto i = pending_.find(f.id);
  if (i == pending_.end() || !std::holds_alternative<events_ask_ptr>(i->second))
    return;
  auto ask = std::get<events_ask_ptr>(std::move(i->second));
  pending_.erase(i);
  if (f.result == cluster::events_result::moved)
    self->send(context().map(), hint_atom::value, f.route.shard, f.route.owner, f.route.epoch);
  auto answer = std::make_shared<events_answer>();
  answer->token = ask->token;
  answer->result = f.result;
  answer->duplicates = f.duplicates;
  answer->detail = std::move(f.detail);
  self->send(ask->client, events_answer_ptr{std::move(answer)});
}

// What the peer's version does not know did not happen: it is answered as if the peer could not be reached.
void gateway_state::handle(const cluster::unsupported_frame& f) {
  auto i = pending_.find(f.id);
  if (i == pending_.end())
    return;
  auto what = std::move(i->second);
  pending_.erase(i);
  metrics().unsupported->Increment();
  if (auto left_out = unsupported_.let_through(node->now_ms()))
    spdlog::warn(
        "cluster: {} (incarnation {}) runs a version that does not know what it was asked (and {} more "
        "since the last such line)",
        peer_name, peer, *left_out);
  fail(what);
}

// -- hints

void gateway_state::handle(const cluster::catalog_hint_frame& f) {
  if (auto table = node->handles(); table && table->catalog)
    self->send(table->catalog, look_atom::value, f.version);
}

void gateway_state::handle(const cluster::route_hint_frame& f) {
  self->send(context().map(), hint_atom::value, f.route.shard, f.route.owner, f.route.epoch);
}

void gateway_state::handle(const cluster::look_hint_frame&) {
  self->send(context().map(), look_atom::value);
}

} // namespace beckon::actors
