#pragma once

#include "actors/seam/request_handler.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace beckon::actors {

/// Answers one POST or GET /v1/decide: reads the request, asks the owner of the user, renders its answer.
/// Runs on: I/O thread within the bounds of http.inline-*, else scheduler. Blocks: no.
using decide_handler_actor = net::request_actor::extend<caf::reacts_to<decide_answer_ptr>>;

decide_handler_actor::behavior_type
decide_handler(decide_handler_actor::stateful_pointer<exchange_state> self, net::request_ptr request,
               net::http_broker_actor broker, node_context_ptr node);

} // namespace beckon::actors
