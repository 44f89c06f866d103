#include "actors/context/refusals.hpp"
#include "actors/members/gateway.hpp"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

// Sending batches, and the link that carries them.
namespace beckon::actors {

namespace {

/// How often a link without traffic carries a batch without frames.
constexpr int64_t keep_alive_ms = 1000;

/// How long a gateway that retires still answers those whose asks are in its mailbox.
constexpr int64_t retire_after_ms = 100;

} // namespace

// -- batches

void gateway_state::ask_for_flush() {
  if (!std::exchange(flush_asked_, true))
    self->send(echo, flush_atom::value);
}

/// Appends the next batch of asks to the answers, if it may go now.
bool gateway_state::send_asks() {
  if (asks_.front().empty() || sent_ - acknowledged_ >= context().options.batches_in_flight_max)
    return false;
  if (!answers_.merge(asks_.front())) {
    send_batch(answers_);
    (void)answers_.merge(asks_.front()); // an empty batch takes the content of any other
  }
  if (asks_.size() > 1)
    asks_.pop_front();
  if (sent_++ == acknowledged_)
    unacknowledged_since_ms_ = now();
  send_batch(answers_);
  wait_for_due();
  return true;
}

void gateway_state::flush() {
  flush_asked_ = false;
  if (!link_)
    return;
  while (send_asks())
    continue;
  if (!answers_.empty() || unconfirmed_)
    send_batch(answers_);
}

void gateway_state::send_batch(cluster::batch_writer& frames) {
  metrics().batch_frames->Observe(static_cast<double>(frames.frames()));
  auto bytes = frames.finish({own, peer, sent_, taken_});
  metrics().batches->Increment();
  metrics().batch_bytes->Increment(static_cast<double>(bytes.size()));
  unconfirmed_ = false;
  sent_ms_ = now();
  self->send(link_, batch_atom::value, peer_bytes{std::move(bytes)});
}

void gateway_state::note_too_large() {
  metrics().refused->Increment();
  spdlog::error("cluster: an answer for {} (incarnation {}) is too large for a batch", peer_name, peer);
}

// -- the link

// Numbers continue from link to link: late input of an older link must not pass for the new one's.
void gateway_state::begin_link() {
  drop_link("a new link is being made");
  acknowledged_ = sent_;
  unconfirmed_ = false;
  asks_ = std::deque<cluster::batch_writer>(1);
  answers_ = cluster::batch_writer{};
}

void gateway_state::drop_link(const char* why) {
  if (link_)
    self->demonitor(link_.address());
  link_ = nullptr;
  set_up(false, why);
}

void gateway_state::attach(link_actor link) {
  if (retired_ || !link)
    return;
  link_ = std::move(link);
  self->monitor(link_);
  heard_ms_ = sent_ms_ = now();
  set_up(true, "");
  ask_for_flush();
  wait_for_due();
}

void gateway_state::link_down(const caf::down_msg& down) {
  if (down.source == map_) {
    retire(); // the next shard map makes its own gateways
    return;
  }
  if (!link_ || down.source != link_.address())
    return;
  link_ = nullptr;
  set_up(false, "the connection broke");
}

void gateway_state::set_up(bool is_up, const char* why) {
  if (std::exchange(up_, is_up) == is_up)
    return;
  if (is_up) {
    spdlog::info("cluster: link to {} (incarnation {}) is up", peer_name, peer);
  } else {
    spdlog::warn("cluster: link to {} (incarnation {}) is down: {}", peer_name, peer, why);
    fail_all();
  }
  if (!retired_)
    self->send(context().map(), link_atom::value, uint64_t{peer}, is_up);
}

// Answer everybody: those with pending answers, and those whose asks are still in the mailbox.
void gateway_state::retire() {
  retired_ = true;
  retire_at_ms_ = now() + retire_after_ms;
  drop_link("the peer is gone, or this node has a new incarnation");
  turn_.at(self, retire_at_ms_, now());
}

void gateway_state::fail(asked& what) {
  if (auto* d = std::get_if<asked_decide>(&what)) {
    d->promise.deliver(refuse(d->ask, ask_status::unavailable, 0, node->now_ms()));
  } else if (auto* u = std::get_if<asked_user>(&what)) {
    u->promise.deliver(refuse(u->ask, ask_status::unavailable));
  } else {
    const auto& e = std::get<events_ask_ptr>(what);
    auto answer = std::make_shared<events_answer>();
    answer->token = e->token;
    answer->unreachable = true;
    answer->detail = "node " + peer_name + " (incarnation " + std::to_string(peer) + ") does not answer";
    self->send(e->client, events_answer_ptr{std::move(answer)});
  }
}

void gateway_state::fail_all() {
  metrics().timed_out->Increment(static_cast<double>(pending_.size()));
  for (auto& [id, what] : std::exchange(pending_, {}))
    fail(what);
  asks_due_.clear();
  events_due_.clear();
  asks_ = std::deque<cluster::batch_writer>(1); // nobody waits for them any more
}

void gateway_state::expire(std::deque<std::pair<int64_t, uint64_t>>& due) {
  while (!due.empty() && due.front().first <= now()) {
    auto i = pending_.find(due.front().second);
    due.pop_front();
    if (i == pending_.end())
      continue;
    auto what = std::move(i->second);
    pending_.erase(i);
    metrics().timed_out->Increment();
    fail(what);
  }
}

/// When the oldest that still waits is overdue.
int64_t gateway_state::next_due(std::deque<std::pair<int64_t, uint64_t>>& due) const {
  while (!due.empty() && pending_.count(due.front().second) == 0)
    due.pop_front();
  return due.empty() ? next_turn::never : due.front().first;
}

void gateway_state::wait_for_due() {
  auto due = std::min(next_due(asks_due_), next_due(events_due_));
  if (link_) {
    auto silence_ms = context().options.link_silence_ms;
    due = std::min({due, sent_ms_ + keep_alive_ms, heard_ms_ + silence_ms + 1});
    if (sent_ != acknowledged_)
      due = std::min(due, unacknowledged_since_ms_ + silence_ms + 1);
  }
  turn_.at(self, due, now());
}

void gateway_state::beat() {
  turn_.came();
  if (retired_) {
    if (now() >= retire_at_ms_)
      self->quit();
    else
      turn_.at(self, retire_at_ms_, now());
    return;
  }
  expire(asks_due_);
  expire(events_due_);
  watch_link();
  wait_for_due();
}

void gateway_state::watch_link() {
  if (!link_)
    return;
  auto silence_ms = context().options.link_silence_ms;
  if (now() - heard_ms_ > silence_ms)
    drop_link("the peer is silent");
  else if (sent_ != acknowledged_ && now() - unacknowledged_since_ms_ > silence_ms)
    drop_link("the peer confirms nothing"); // it then hears nothing, and a new one is made
  if (link_ && now() - sent_ms_ >= keep_alive_ms)
    send_batch(answers_);
}

} // namespace beckon::actors
