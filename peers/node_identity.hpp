#pragma once

#include <caf/fwd.hpp>

namespace beckon::peers {

/// Gives this process an identity between nodes that no other has or had. CAF makes its own from the network
/// cards' addresses and the process id, which are the same in containers on different machines, and again
/// after a restart: nodes would take one another for themselves, and old handles for those of new actors.
/// Once for a system, before it has a link. Runs on: whoever calls.  Blocks: shortly, for the I/O thread.
void make_identity_unique(caf::actor_system& system);

} // namespace beckon::peers
