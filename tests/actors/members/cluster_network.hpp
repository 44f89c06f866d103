#pragma once

#include "actors/context/cluster_interfaces.hpp"
#include "cluster_book.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

namespace beckon::actors::test {

constexpr size_t sim_nodes_max = 5;

/// One direction of a connection: carries batches in their order, late when the network says so.
using pipe_actor =
    link_actor::extend<caf::reacts_to<flush_atom> /* look again */, caf::reacts_to<unlink_atom> /* end */>;

/// Between the nodes, by their numbers.
struct sim_network {
  enum class way : uint8_t {
    open,
    held, // what is sent waits; nobody notices
    cut,  // connections break, and none can be made
  };
  using way_table = std::array<std::array<way, sim_nodes_max>, sim_nodes_max>;

  struct pipe_entry {
    size_t from;
    size_t to;
    pipe_actor pipe;
  };

  caf::actor_system& system;
  sim_dice& dice;
  sim_book& book;
  way_table ways{};
  int64_t latency_max_ms = 0;
  std::vector<pipe_entry> pipes;
  /// The door of a node, null if it is not running.
  std::function<door_actor(size_t)> door_of;
  /// Records the owner of a new actor.
  std::function<void(caf::actor_id, int64_t process)> belongs;

  bool reaches(size_t a, size_t b) const { return ways[a][b] == way::open && ways[b][a] == way::open; }
  pipe_actor make_pipe(size_t from, size_t to, link_actor end);
  void set(size_t from, size_t to, way w);
  /// Ends all connections between two.
  void part(size_t a, size_t b);
  void close();
};

/// What the dialer and the transport do, in the simulated network. Its node is number `place`.
dialer_actor::behavior_type sim_dialer(dialer_actor::pointer self, sim_network* network, size_t place);

/// The number of the node with an address of the simulation.
size_t place_of(const std::string& address);
std::string address_of(size_t place);

} // namespace beckon::actors::test
