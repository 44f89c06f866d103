#pragma once

#include "actors/seam/request_handler.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

/// Request actors about the node itself: they read facts in memory and never wait.
namespace beckon::actors {

using node_handler_pointer = net::request_actor::stateful_pointer<exchange_state>;

/// GET /livez: 200 while the process can answer; checks nothing.
net::request_actor::behavior_type livez_handler(node_handler_pointer self, net::request_ptr request,
                                                net::http_broker_actor broker, node_context_ptr node);

/// GET /readyz: 200 if the node can serve requests well, else 503; with ?verbose every check and its reason.
net::request_actor::behavior_type readyz_handler(node_handler_pointer self, net::request_ptr request,
                                                 net::http_broker_actor broker, node_context_ptr node);

/// GET /health: what /readyz says, as load balancers ask for it: 200 {"status":"ok"}, else 503 with the
/// reasons.
net::request_actor::behavior_type health_handler(node_handler_pointer self, net::request_ptr request,
                                                 net::http_broker_actor broker, node_context_ptr node);

/// GET /metrics: Prometheus text.
net::request_actor::behavior_type metrics_handler(node_handler_pointer self, net::request_ptr request,
                                                  net::http_broker_actor broker, node_context_ptr node);

} // namespace beckon::actors
