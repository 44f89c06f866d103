#pragma once

#include "actors/context/cluster_interfaces.hpp"
#include "actors/seam/request_handler.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <string>

namespace beckon::actors {

/// Answers one GET /v1/cluster: members, owners and moves; with ?verbose each shard. Runs on: scheduler.
/// Blocks: no.
using cluster_handler_actor = net::request_actor::extend<caf::reacts_to<cluster_status_ptr>>;

struct cluster_exchange_state : exchange_state {
  bool verbose = false;
};

cluster_handler_actor::behavior_type
cluster_handler(cluster_handler_actor::stateful_pointer<cluster_exchange_state> self,
                net::request_ptr request, net::http_broker_actor broker, node_context_ptr node);

/// The JSON of an answer.
std::string render_cluster(const cluster_status& status, bool verbose);

} // namespace beckon::actors
