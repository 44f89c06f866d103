#pragma once

#include "actors/context/cluster_interfaces.hpp"

#include <caf/fwd.hpp>

namespace beckon::actors {

/// This node's end of a link: what a peer sends to it, the gateway gets. It comes on the I/O thread, and the
/// gateway, the shards that it asks and the requests that it answers run there at once (net::io_unit): waking
/// another thread for each batch would cost more than the work. Large batches go to the scheduler, so that
/// nobody else waits for them. It ends with the gateway. Runs on: I/O thread. Blocks: no. Bounds: 64 KiB of a
/// batch that is worked on at once; 2 ms, then the scheduler goes on.
link_actor make_link_end(caf::actor_system& system, const gateway_actor& gateway);

} // namespace beckon::actors
