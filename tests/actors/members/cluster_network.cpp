#include "cluster_network.hpp"

#include <algorithm>
#include <chrono>

namespace beckon::actors::test {

namespace {

struct pipe_state {
  sim_network* network = nullptr;
  size_t from = 0;
  size_t to = 0;
  link_actor end;
  std::deque<std::pair<int64_t, peer_bytes>> waiting; // since when it may arrive
  int64_t last_ms = 0;

  static inline const char* name = "pipe";
};

using pipe_pointer = pipe_actor::stateful_pointer<pipe_state>;

void deliver(pipe_pointer self) {
  auto& st = self->state;
  auto way = st.network->ways[st.from][st.to];
  while (way == sim_network::way::open && !st.waiting.empty()
         && st.waiting.front().first <= sim_time::now_ms) {
    self->send(st.end, batch_atom::value, std::move(st.waiting.front().second));
    st.waiting.pop_front();
  }
}

void accept(pipe_pointer self, const peer_bytes& bytes) {
  auto& st = self->state;
  auto late_ms = st.network->dice.between(0, st.network->latency_max_ms);
  st.last_ms = std::max(st.last_ms, sim_time::now_ms + late_ms);
  st.waiting.emplace_back(st.last_ms, bytes);
  if (st.last_ms > sim_time::now_ms)
    self->delayed_send(self, std::chrono::milliseconds{st.last_ms - sim_time::now_ms}, flush_atom::value);
  deliver(self);
}

pipe_actor::behavior_type pipe(pipe_pointer self, sim_network* network, size_t from, size_t to,
                               link_actor end) {
  self->state.network = network;
  self->state.from = from;
  self->state.to = to;
  self->state.end = std::move(end);
  self->monitor(self->state.end);
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  return {
      [self](batch_atom, const peer_bytes& bytes) { accept(self, bytes); },
      [self](flush_atom) { deliver(self); },
      [self](unlink_atom) { self->quit(caf::exit_reason::remote_link_unreachable); },
  };
}

} // namespace

pipe_actor sim_network::make_pipe(size_t from, size_t to, link_actor end) {
  auto made = system.spawn(pipe, this, from, to, std::move(end));
  belongs(made.id(), -1);
  pipes.push_back({from, to, made});
  return made;
}

void sim_network::set(size_t from, size_t to, way w) {
  ways[from][to] = w;
  if (w == way::cut)
    part(from, to);
  for (const auto& p : pipes)
    if (p.from == from && p.to == to)
      caf::anon_send(p.pipe, flush_atom::value);
}

void sim_network::part(size_t a, size_t b) {
  auto between = [a, b](const pipe_entry& p) {
    return (p.from == a && p.to == b) || (p.from == b && p.to == a);
  };
  for (const auto& p : pipes)
    if (between(p))
      caf::anon_send(p.pipe, unlink_atom::value);
  pipes.erase(std::remove_if(pipes.begin(), pipes.end(), between), pipes.end());
}

void sim_network::close() {
  for (const auto& p : pipes)
    caf::anon_send(p.pipe, unlink_atom::value);
  pipes.clear();
}

std::string address_of(size_t place) {
  return "node" + std::to_string(place) + ":7000";
}

size_t place_of(const std::string& address) {
  return static_cast<size_t>(address.at(4) - '0');
}

// -- making links

namespace {

constexpr std::chrono::seconds dial_wait{1};

void refuse(dialer_actor::pointer self, const dial_order& order, int64_t after_ms, const char* why) {
  self->delayed_send(order.client, std::chrono::milliseconds{after_ms}, unlink_atom::value,
                     uint64_t{order.peer}, std::string{why});
}

void dial(dialer_actor::pointer self, sim_network* network, size_t place, const dial_order_ptr& order) {
  auto there = place_of(order->address);
  auto door = network->door_of(there);
  if (!door || !network->reaches(place, there)) {
    refuse(self, *order, network->dice.between(0, 1000), "nobody is there");
    return;
  }
  // Mostly an older connection has ended by then; what it still carries may come late all the same.
  if (network->dice.percent(80))
    network->part(place, there);
  link_actor back = network->make_pipe(there, place, order->own_end);
  auto done = [=](hello_atom, const peer_bytes&, const link_actor& end) {
    if (!network->reaches(place, there)) {
      refuse(self, *order, 0, "the answer was lost");
      return;
    }
    link_actor there_end = network->make_pipe(place, there, end);
    network->book.note("link from " + std::to_string(place) + " to " + std::to_string(there));
    self->send(order->client, dial_atom::value, uint64_t{order->peer}, there_end);
  };
  self->request(door, dial_wait, hello_atom::value, peer_bytes{cluster::encode(order->hello)}, back)
      .then(done, [=](const caf::error&) { refuse(self, *order, 0, "refused"); });
}

} // namespace

dialer_actor::behavior_type sim_dialer(dialer_actor::pointer self, sim_network* network, size_t place) {
  return {
      [=](dial_atom, const dial_order_ptr& order) { dial(self, network, place, order); },
  };
}

} // namespace beckon::actors::test
