#pragma once

#include "actors/context/cluster_context.hpp"
#include "actors/context/node_context.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace beckon::actors {

/// State of the dialer; spawn it detached.
struct dialer_state {
  dialer_actor::pointer self = nullptr;
  node_context_ptr node;

  void dial(const dial_order& order);

  static const char* name;

 private:
  caf::expected<link_actor> get_through(const dial_order& order);
};

dialer_actor::behavior_type dialer(dialer_actor::stateful_pointer<dialer_state> self, node_context_ptr node);

} // namespace beckon::actors
