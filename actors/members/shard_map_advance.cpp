#include "actors/members/gateway.hpp"
#include "actors/members/link_end.hpp"
#include "actors/members/shard_map.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

// What the shard map does.
namespace beckon::actors {

void shard_map_state::advance() {
  review_peers();
  if (!knocking_.empty())
    admit_knocking();
  // The lease first: a shard that is told to serve finds it.
  context().lease_until_ms = machine_->lease_until_ms();
  give_orders();
  spread_news();
  // One moment for what is done now and for what is waited for: between two of them a due time could be lost.
  const auto present = now();
  call_next(present);
  dial_due(present);
  publish();
  log_changes();
  finish_waiting();
  wait_for_due(present);
}

/// Each try of a call is bounded, and there are few of them; a membership that died answers nothing.
int64_t shard_map_state::call_given_up_ms() const {
  return called_ms_ + 10 * context().options.database_timeout_ms + 1;
}

// The machine knows its own times. Besides there are calls without an answer, which the figure of the lease
// shows meanwhile, and peers that are to be dialed.
void shard_map_state::wait_for_due(int64_t present) {
  auto due = machine_->due_ms(present);
  if (calling_)
    due = std::min(call_given_up_ms(), present + context().options.times.heartbeat_ms);
  for (const auto& [id, p] : peers_)
    if (waits_to_dial(id, p))
      due = std::min(due, p.dial_at_ms);
  turn_.at(self, due, present);
}

// Of two nodes the one that joined later makes the link, so that there are never two.
bool shard_map_state::waits_to_dial(storage::incarnation_id peer, const peer_entry& p) const {
  return context().actors()->dialer && !p.up && !p.dialing && peer < known_as_;
}

void shard_map_state::call_next(int64_t present) {
  if (calling_)
    return;
  auto next = machine_->next_call(present);
  if (!next)
    return;
  auto ask = std::make_shared<membership_ask>();
  ask->call = std::move(*next);
  ask->self = machine_->self();
  ask->client = self;
  calling_ = ask;
  called_ms_ = present;
  self->send(context().actors()->membership, call_atom::value, calling_);
}

// Gateways belong to an incarnation of this node: another one begins anew.
void shard_map_state::review_peers() {
  auto present = machine_->self() == 0 ? std::vector<storage::incarnation_id>{} : machine_->peers();
  auto changed =
      std::exchange(known_as_, machine_->self()) != machine_->self() || std::exchange(regateway_, false);
  for (auto i = peers_.begin(); i != peers_.end();) {
    if (i->second.own == known_as_ && std::binary_search(present.begin(), present.end(), i->first)) {
      ++i;
      continue;
    }
    self->demonitor(i->second.gateway.address());
    self->send_exit(i->second.gateway, caf::exit_reason::user_shutdown);
    i = peers_.erase(i);
    changed = true;
  }
  for (auto id : present) {
    if (peers_.count(id) != 0)
      continue;
    auto& p = peers_[id];
    p.own = known_as_;
    for (const auto& n : machine_->picture()->nodes)
      if (n.incarnation == id) {
        p.name = n.name;
        p.address = n.address;
      }
    p.gateway = self->spawn(gateway, node, known_as_, id, p.name);
    p.own_end = context().transport ? make_link_end(self->system(), p.gateway)
                                    : caf::actor_cast<link_actor>(p.gateway);
    self->monitor(p.gateway);
    changed = true;
  }
  if (changed)
    reroute_ = true;
}

void shard_map_state::dial_due(int64_t present) {
  auto dialer = context().actors()->dialer;
  for (auto& [id, p] : peers_) {
    if (!waits_to_dial(id, p) || present < p.dial_at_ms)
      continue;
    p.dialing = true;
    self->send(p.gateway, dial_atom::value);
    auto order = std::make_shared<dial_order>();
    order->peer = id;
    order->address = p.address;
    order->hello = {context().options.cluster, context().options.node, known_as_, id,
                    context().options.speaks};
    order->own_end = p.own_end;
    order->client = self;
    self->send(dialer, dial_atom::value, dial_order_ptr{std::move(order)});
  }
}

void shard_map_state::give_orders() {
  auto orders = machine_->take_orders();
  auto reroute = std::exchange(reroute_, false);
  if (orders.empty() && !reroute)
    return;
  auto table = node->handles();
  auto gateway_of = [this](storage::incarnation_id id) {
    auto i = peers_.find(id);
    return i == peers_.end() ? gateway_actor{} : i->second.gateway;
  };
  owners_.self = machine_->self();
  for (const auto& o : orders)
    owners_.shards[o.shard] = {o.owner, o.epoch, gateway_actor{}};
  for (auto& s : owners_.shards)
    s.gateway =
        s.incarnation == 0 || s.incarnation == owners_.self ? gateway_actor{} : gateway_of(s.incarnation);
  context().publish_owners(std::make_shared<const ownership>(owners_));
  if (!table)
    return;
  for (const auto& o : orders)
    tell(*table, o);
  if (!reroute)
    return;
  for (uint16_t i = 0; i < decision::shard_count; ++i)
    if (owners_.shards[i].gateway)
      tell(*table,
           {i, cluster::shard_phase::elsewhere, owners_.shards[i].incarnation, owners_.shards[i].epoch});
}

void shard_map_state::tell(const node_handles& table, const cluster::shard_order& order) {
  const auto& shard = table.shards[order.shard];
  if (!shard)
    return; // it is told when it starts
  auto orders = std::make_shared<shard_orders>();
  orders->order = order;
  if (order.phase == cluster::shard_phase::elsewhere)
    orders->gateway = owners_.shards[order.shard].gateway;
  self->send(shard, order_atom::value, shard_orders_ptr{std::move(orders)});
}

void shard_map_state::spread_news() {
  for (const auto& row : machine_->take_news())
    for (const auto& [id, p] : peers_)
      if (p.up)
        self->send(p.gateway, hint_atom::value, row.shard, uint64_t{row.owner}, row.epoch);
}

void shard_map_state::publish() {
  auto& c = context();
  auto& m = *c.metrics;
  auto active_now = machine_->phase() == cluster::node_phase::active;
  auto changed = c.active.exchange(active_now) != active_now;
  c.lease_until_ms = machine_->lease_until_ms();
  if (machine_->phase() == cluster::node_phase::draining)
    changed |= !c.drain_asked.exchange(true);
  if (fault_.empty())
    c.fault(missing_links());
  auto owned = machine_->shards_owned();
  size_t unreachable = machine_->self() == 0 ? decision::shard_count : 0;
  uint64_t highest = 0;
  for (const auto& s : owners_.shards) {
    highest = std::max(highest, s.epoch);
    auto peer = peers_.find(s.incarnation);
    auto reached =
        s.incarnation != 0 && (s.incarnation == owners_.self || (peer != peers_.end() && peer->second.up));
    if (machine_->self() != 0 && !reached)
      ++unreachable;
  }
  c.shards_owned = static_cast<uint32_t>(owned);
  changed |= c.shards_unreachable.exchange(static_cast<uint32_t>(unreachable)) != unreachable;
  if (changed)
    node->health.bell.ring();
  size_t active = 0;
  if (machine_->picture())
    for (const auto& n : machine_->picture()->nodes)
      active += n.state == storage::node_state::active ? 1 : 0;
  auto up = std::count_if(peers_.begin(), peers_.end(), [](const auto& p) { return p.second.up; });
  m.nodes_active->Set(static_cast<double>(active));
  m.shards_owned->Set(static_cast<double>(owned));
  m.shards_unreachable->Set(static_cast<double>(unreachable));
  m.moves->Set(static_cast<double>(machine_->moves()));
  m.lease_seconds->Set(static_cast<double>(std::max<int64_t>(0, machine_->lease_until_ms() - now()))
                       / 1000.0);
  m.clock_off_seconds->Set(static_cast<double>(clock_off_ms_) / 1000.0);
  m.links_up->Set(static_cast<double>(up));
  m.highest_epoch->Set(static_cast<double>(highest));
}

/// Whom a node that joins waits for; empty: nobody.
std::string shard_map_state::missing_links() const {
  std::string text;
  if (machine_->phase() != cluster::node_phase::joining)
    return text;
  for (auto id : machine_->missing_links()) {
    auto i = peers_.find(id);
    if (i == peers_.end())
      continue;
    text += text.empty() ? "no link to " : ", ";
    text += i->second.name + " (incarnation " + std::to_string(id) + ", " + i->second.address + ")";
    if (!i->second.fault.empty())
      text += ": " + i->second.fault;
  }
  return text;
}

void shard_map_state::log_changes() {
  if (auto n = machine_->expulsions(); n != expulsions_) {
    context().metrics->expulsions->Increment(static_cast<double>(n - expulsions_));
    expulsions_ = n;
    spdlog::warn(
        "cluster: this node was taken for dead (it did not renew its lease in time); it has dropped what it "
        "held and joins anew");
  }
  if (auto phase = machine_->phase(); phase != logged_phase_) {
    logged_phase_ = phase;
    spdlog::info("cluster: {} in '{}' as incarnation {}", to_string(phase), context().options.cluster,
                 machine_->self());
  }
  if (!machine_->picture())
    return;
  for (const auto& n : machine_->picture()->nodes) {
    if (n.incarnation == machine_->self())
      continue;
    auto [i, fresh] = logged_nodes_.try_emplace(n.incarnation, n.state);
    if (!fresh && i->second == n.state)
      continue;
    i->second = n.state;
    if (!fresh || n.state != storage::node_state::dead)
      spdlog::info("cluster: node {} (incarnation {}, {}) is {}", n.name, n.incarnation, n.address,
                   storage::to_string(n.state));
  }
}

void shard_map_state::finish_waiting() {
  if (machine_->is_drained())
    for (auto& promise : std::exchange(draining_, {}))
      promise.deliver(drained_atom::value);
  auto gone = machine_->phase() == cluster::node_phase::left
              || (machine_->phase() == cluster::node_phase::out && machine_->is_drained());
  if (gone)
    for (auto& promise : std::exchange(leaving_, {}))
      promise.deliver(stop_atom::value);
}

} // namespace beckon::actors
