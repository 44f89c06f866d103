#pragma once

#include "actors/seam/request_handler.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

/// The room of the smallest program that extends Beckon: one endpoint more.
namespace beckon::examples {

/// The pure part: what to answer, given the request and what the catalogue said (null: not loaded yet).
net::response greet(const net::request& request, const actors::catalog_view_ptr& catalog);

/// Answers GET /v1/hello/{name} with {"hello": NAME, "popups": how many there are}. Runs on: scheduler.
/// Blocks: no. One actor for one request: it asks the catalogue, waits at most for the request's deadline,
/// answers and ends. 422 for a name of more than 40 bytes, 503 while the catalogue is not loaded.
using hello_actor = net::request_actor::extend<caf::reacts_to<actors::catalog_view_ptr>>;

hello_actor::behavior_type hello_handler(hello_actor::stateful_pointer<actors::exchange_state> self,
                                         net::request_ptr request, net::http_broker_actor broker,
                                         actors::node_context_ptr node);

} // namespace beckon::examples
