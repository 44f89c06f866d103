#pragma once

#include "peers/peer_socket.hpp"
#include "peers/peer_transport.hpp"
#include "peers/tls_identity.hpp"

#include <string>

namespace beckon::peers {

/// A connection to another node's door, up to where CAF's protocol begins: the first byte of its greeting has
/// arrived and waits to be read.
struct called_door {
  unique_fd socket;
  tls_session tls; // null for plain TCP
};

/// Connects, shakes hands if `identity` is not null, and waits for the greeting. Returns 0, or what went
/// wrong and says why in `problem`. Blocks: up to `wait`, and while a name is looked up.
transport_errc call_door(const endpoint& where, tls_identity* identity, const patience& wait,
                         called_door& result, std::string& problem);

} // namespace beckon::peers
