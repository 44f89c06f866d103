#pragma once

#include "actors/context/cluster_context.hpp"
#include "actors/context/node_context.hpp"
#include "config/configuration.hpp"

#include <caf/error.hpp>
#include <caf/fwd.hpp>

#include <string>

namespace beckon::actors {

/// The options that come from [cluster] and node.name; address, http, identity and version are not known yet.
cluster_options cluster_options_from(const config::configuration& cfg);

/// Empty, or why a node must not start with what [cluster] says: which key, and the remedy. Reads
/// certificates.
std::string check_cluster(const config::configuration& cfg);

/// Everything of the cluster except its actors: options, transport, and the door for other nodes, which
/// listens when this returns. `http` is this node's address for clients. The supervisor starts the actors.
caf::error open_cluster(caf::actor_system& system, const config::configuration& cfg, const std::string& http,
                        const node_context_ptr& node);

/// Closes the door. Idempotent; does nothing without a cluster.
void close_cluster(const node_context_ptr& node);

} // namespace beckon::actors
