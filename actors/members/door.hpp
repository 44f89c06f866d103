#pragma once

#include "actors/context/cluster_context.hpp"
#include "actors/context/node_context.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace beckon::actors {

/// State of the door. It refuses everyone but nodes of this cluster that address this incarnation, with a
/// line in the log here and the reason for the other side.
struct door_state {
  using reply = caf::result<hello_atom, peer_bytes, link_actor>;

  door_actor::pointer self = nullptr;
  node_context_ptr node;

  reply let_in(const peer_bytes& bytes, const link_actor& link);

  static const char* name;
};

door_actor::behavior_type door(door_actor::stateful_pointer<door_state> self, node_context_ptr node);

} // namespace beckon::actors
