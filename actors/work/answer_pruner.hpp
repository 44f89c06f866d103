#pragma once

#include "actors/context/interfaces.hpp"
#include "actors/context/node_context.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace beckon::actors {

struct answer_pruner_state {
  node_context_ptr node;
  static const char* name;
};

/// Behaviour of the pruner: every ten seconds a bounded delete, at once again while there is more.
answer_pruner_actor::behavior_type
answer_pruner(answer_pruner_actor::stateful_pointer<answer_pruner_state> self, node_context_ptr node);

} // namespace beckon::actors
