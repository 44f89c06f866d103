#include "actors/members/shard_map.hpp"

#include "actors/members/gateway.hpp"
#include "base/clock.hpp"

#include <caf/sec.hpp>
#include <prometheus/counter.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

// What the shard map is told. What it does then: shard_map_advance.cpp.
namespace beckon::actors {

const char* shard_map_state::name = "shard_map";

namespace {

/// Nodes that may wait until the tables are read again; the first one goes.
constexpr size_t knocking_max = 64;

} // namespace

void shard_map_state::open(node_context_ptr n) {
  node = std::move(n);
  machine_ = std::make_unique<cluster::node_machine>(context().options.times);
  // One that died may have left shards that serve.
  context().lease_until_ms = 0;
  context().publish_owners(std::make_shared<const ownership>());
  if (auto table = node->handles())
    for (uint16_t i = 0; i < decision::shard_count; ++i)
      tell(*table, {i, cluster::shard_phase::nobody, 0, 0});
}

// -- the tables

void shard_map_state::answered(const membership_answer& answer) {
  if (answer.ask != calling_)
    return; // it was given up
  calling_ = nullptr;
  if (answer.error)
    note_failure(answer);
  else
    settle(answer);
  advance();
}

void shard_map_state::note_failure(const membership_answer& answer) {
  fault_ = storage::describe(answer.error);
  context().fault(fault_);
  if (std::holds_alternative<cluster::join_call>(answer.ask->call)
      && storage::code_of(answer.error) == storage::errc::bad_options)
    context().refused = true;
  context().metrics->call_failures->Increment();
  if (!std::exchange(failing_, true))
    spdlog::error("cluster: the tables cannot be used: {}; trying again every {} ms", fault_,
                  context().options.times.retry_ms);
  machine_->failed(now());
}

void shard_map_state::settle(const membership_answer& answer) {
  using namespace cluster;
  if (std::exchange(failing_, false))
    spdlog::info("cluster: the tables can be used again");
  fault_.clear();
  context().fault({});
  count(answer);
  struct visitor {
    shard_map_state& st;
    const membership_answer& a;
    node_machine& m;
    void operator()(const join_call&) { m.joined(std::get<storage::incarnation_id>(a.value), a.sent_ms); }
    void operator()(const beat_call&) {
      const auto& picture = std::get<storage::cluster_picture>(a.value);
      st.take_time(picture, a);
      st.looked_ms_ = a.sent_ms;
      m.beaten(picture, a.sent_ms, a.done_ms);
    }
    void operator()(const activate_call&) { m.activated(std::get<bool>(a.value)); }
    void operator()(const drain_call&) { m.drain_noted(std::get<bool>(a.value)); }
    void operator()(const leave_call&) { m.has_left(); }
    void operator()(const bury_call&) { m.buried(std::get<std::vector<storage::incarnation_id>>(a.value)); }
    void operator()(const begin_moves_call&) {
      m.moves_begun(std::get<std::vector<storage::cluster_shard>>(a.value), a.done_ms);
    }
    void operator()(const assign_call&) {
      m.assigned(std::get<std::vector<storage::cluster_shard>>(a.value), a.sent_ms);
    }
    void operator()(const cancel_moves_call&) { m.moves_cancelled(); }
  };
  std::visit(visitor{*this, answer, *machine_}, answer.ask->call);
}

void shard_map_state::count(const membership_answer& answer) const {
  if (const auto* dead = std::get_if<std::vector<storage::incarnation_id>>(&answer.value))
    for (auto n : *dead)
      spdlog::warn("cluster: incarnation {} is declared dead: its lease has run out, or nobody reaches it",
                   n);
  if (!std::holds_alternative<cluster::assign_call>(answer.ask->call))
    return;
  const auto& rows = std::get<std::vector<storage::cluster_shard>>(answer.value);
  for (const auto& row : rows) {
    auto mine = machine_->shard(row.shard).owner == machine_->self();
    (mine ? context().metrics->moved_away : context().metrics->taken_over)->Increment();
  }
}

// The database's time at about the middle of the call. A quick call tells it more exactly than a slow one;
// what was learned long ago is trusted less and less, since this host's clock does not run at the same pace.
void shard_map_state::take_time(const storage::cluster_picture& picture, const membership_answer& answer) {
  auto trip_ms = answer.done_ms - answer.sent_ms;
  auto wall_ms = base::unix_ms();
  clock_off_ms_ = wall_ms - (now() - answer.done_ms) - (picture.now_ms + trip_ms / 2);
  if (best_trip_ms_ < 0 || trip_ms <= best_trip_ms_) {
    best_trip_ms_ = trip_ms;
    node->now_ms.follow(context().steady_ms, picture.now_ms - (answer.sent_ms + trip_ms / 2));
  } else {
    ++best_trip_ms_;
  }
  if (std::abs(clock_off_ms_) <= context().options.clock_warn_ms)
    return;
  constexpr int64_t warn_every_ms = 60'000;
  if (now() < clock_warned_ms_ + warn_every_ms && clock_warned_ms_ != 0)
    return;
  clock_warned_ms_ = now();
  spdlog::warn(
      "cluster: this host's clock is {} ms {} the database's, by whose clock decisions go; set the clock",
      std::abs(clock_off_ms_), clock_off_ms_ > 0 ? "ahead of" : "behind");
}

// -- links

void shard_map_state::link_changed(storage::incarnation_id peer, bool up) {
  auto i = peers_.find(peer);
  // What an earlier gateway to this peer has still to say is of no interest.
  if (i == peers_.end() || self->current_sender() != i->second.gateway)
    return;
  i->second.up = up;
  if (!up)
    i->second.dial_at_ms = now();
  machine_->link_changed(peer, up, now());
  advance();
}

caf::typed_response_promise<link_actor> shard_map_state::let_in(storage::incarnation_id peer,
                                                                const link_actor& link) {
  auto promise = self->make_response_promise<link_actor>();
  if (!admit(peer, link, promise)) {
    auto again = std::remove_if(knocking_.begin(), knocking_.end(),
                                [peer](const knocking& k) { return k.peer == peer; });
    knocking_.erase(again, knocking_.end()); // it has given that attempt up
    if (knocking_.size() >= knocking_max)
      knocking_.erase(knocking_.begin());
    knocking_.push_back({peer, link, promise, now()});
    look();
  }
  return promise;
}

bool shard_map_state::admit(storage::incarnation_id peer, const link_actor& link,
                            caf::typed_response_promise<link_actor>& promise) {
  auto i = peers_.find(peer);
  if (i == peers_.end())
    return false;
  self->send(i->second.gateway, dial_atom::value);
  self->send(i->second.gateway, link_atom::value, link);
  promise.deliver(i->second.own_end);
  return true;
}

void shard_map_state::admit_knocking() {
  for (auto& k : std::exchange(knocking_, {})) {
    if (admit(k.peer, k.link, k.promise))
      continue;
    if (k.since_ms >= looked_ms_)
      knocking_.push_back(std::move(k));
    else
      k.promise.deliver(
          caf::make_error(caf::sec::runtime_error, "incarnation " + std::to_string(k.peer)
                                                       + " is no living member that this node knows"));
  }
}

void shard_map_state::got_through(storage::incarnation_id peer, const link_actor& link) {
  auto i = peers_.find(peer);
  if (i == peers_.end())
    return;
  i->second.dialing = false;
  i->second.dial_at_ms = now() + context().options.redial_ms;
  self->send(i->second.gateway, link_atom::value, link);
  advance();
}

void shard_map_state::got_nowhere(storage::incarnation_id peer, const std::string& why) {
  auto i = peers_.find(peer);
  if (i == peers_.end())
    return;
  auto& p = i->second;
  p.dialing = false;
  p.dial_at_ms = now() + context().options.redial_ms;
  advance();
  constexpr int64_t warn_every_ms = 5000;
  if (p.fault == why && now() < p.warned_ms + warn_every_ms)
    return;
  p.fault = why;
  p.warned_ms = now();
  spdlog::warn("cluster: no link to {} (incarnation {}): {}; trying again every {} ms", p.name, peer, why,
               context().options.redial_ms);
}

void shard_map_state::gateway_down(const caf::down_msg& down) {
  for (auto i = peers_.begin(); i != peers_.end(); ++i) {
    if (i->second.gateway.address() != down.source)
      continue;
    spdlog::error("cluster: the gateway to incarnation {} died ({}); making another", i->first,
                  self->system().render(down.reason));
    machine_->link_changed(i->first, false, now());
    peers_.erase(i);
    regateway_ = true;
    advance();
    return;
  }
}

// -- news

void shard_map_state::hinted(const cluster::route_claim& route) {
  if (route.shard >= decision::shard_count)
    return;
  machine_->hinted(route.shard, route.owner, route.epoch, now());
  advance();
}

void shard_map_state::tell_catalog(uint64_t version) {
  for (const auto& [id, p] : peers_)
    if (p.up)
      self->send(p.gateway, hint_atom::value, version);
}

void shard_map_state::look() {
  machine_->look_soon();
  advance();
}

void shard_map_state::tell_again(uint16_t shard) {
  if (auto table = node->handles(); table && shard < decision::shard_count)
    tell(*table, machine_->present_order(shard));
}

void shard_map_state::membership_lost() {
  if (!std::exchange(calling_, nullptr))
    return;
  machine_->failed(now());
  advance();
}

void shard_map_state::handed_over(uint16_t shard, uint64_t epoch) {
  machine_->handed_over(shard, epoch);
  advance();
}

// -- people, and the end

cluster_status_ptr shard_map_state::status() const {
  auto s = std::make_shared<cluster_status>();
  s->phase = machine_->phase();
  s->self = machine_->self();
  s->lease_left_ms = std::max<int64_t>(0, machine_->lease_until_ms() - now());
  s->clock_off_ms = clock_off_ms_;
  s->fault = fault_;
  if (const auto& picture = machine_->picture()) {
    s->picture = *picture;
    // What this node changed or heard of since.
    for (auto& row : s->picture.shards)
      row = machine_->shard(row.shard);
  }
  for (const auto& [id, p] : peers_)
    if (p.up)
      s->links.push_back(id);
  return s;
}

caf::typed_response_promise<drained_atom> shard_map_state::drain() {
  draining_.push_back(self->make_response_promise<drained_atom>());
  auto promise = draining_.back();
  machine_->drain();
  advance();
  return promise;
}

caf::typed_response_promise<stop_atom> shard_map_state::leave() {
  leaving_.push_back(self->make_response_promise<stop_atom>());
  auto promise = leaving_.back();
  machine_->drain();
  machine_->allow_leaving();
  advance();
  return promise;
}

void shard_map_state::beat() {
  turn_.came();
  if (calling_ && now() >= call_given_up_ms()) {
    calling_ = nullptr;
    machine_->failed(now());
  }
  advance();
}

shard_map_actor::behavior_type shard_map(shard_map_state::self_pointer self, node_context_ptr node) {
  self->state.open(std::move(node));
  self->set_down_handler([self](const caf::down_msg& down) { self->state.gateway_down(down); });
  self->state.start_turns();
  return {
      [self](const membership_answer_ptr& a) { self->state.answered(*a); },
      [self](link_atom, uint64_t peer, bool up) { self->state.link_changed(peer, up); },
      [self](link_atom, uint64_t peer, const link_actor& link) { return self->state.let_in(peer, link); },
      [self](dial_atom, uint64_t peer, const link_actor& link) { self->state.got_through(peer, link); },
      [self](unlink_atom, uint64_t peer, const std::string& why) { self->state.got_nowhere(peer, why); },
      [self](hint_atom, uint16_t shard, uint64_t owner, uint64_t epoch) {
        self->state.hinted({shard, owner, epoch});
      },
      [self](hint_atom, uint64_t version) { self->state.tell_catalog(version); },
      [self](look_atom) { self->state.look(); },
      [self](order_atom, uint16_t shard) { self->state.tell_again(shard); },
      [self](lost_atom) { self->state.membership_lost(); },
      [self](handed_atom, uint16_t shard, uint64_t epoch) { self->state.handed_over(shard, epoch); },
      [self](view_atom) { return self->state.status(); },
      [self](drained_atom) { return self->state.drain(); },
      [self](stop_atom) { return self->state.leave(); },
      [self](beat_atom) { self->state.beat(); },
  };
}

} // namespace beckon::actors
