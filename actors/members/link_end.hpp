#pragma once

#include "actors/context/cluster_interfaces.hpp"

#include <caf/fwd.hpp>

namespace beckon::actors {

/// This node's end of a link: passes what a peer sends to the gateway. Input arrives on the I/O thread; the
/// gateway, the shards it asks and the requests it answers run there at once (net::io_unit), because waking
/// another thread for each batch would cost more than the work. Large batches go to the scheduler, so that
/// nobody else waits for them. It ends with the gateway. Runs on: I/O thread. Blocks: no. Bounds: batches up
/// to 64 KiB are processed at once, for at most 2 ms; then the scheduler continues.
link_actor make_link_end(caf::actor_system& system, const gateway_actor& gateway);

} // namespace beckon::actors
