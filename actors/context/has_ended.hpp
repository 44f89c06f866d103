#pragma once

#include <caf/abstract_actor.hpp>
#include <caf/actor_cast.hpp>

namespace beckon::actors {

/// Whether an actor has ended. CAF drops a message to such an actor without a word, unless it is a request.
/// An actor may end right after it was asked for, so a deadline is still needed.
template <class Handle>
bool has_ended(const Handle& who) {
  return caf::actor_cast<caf::abstract_actor*>(who)->getf(caf::abstract_actor::is_cleaned_up_flag);
}

} // namespace beckon::actors
