#pragma once

#include "actors/seam/request_handler.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace beckon::actors {

/// Answers GET, PUT, PATCH and DELETE of /v1/users/{id}: asks the owner of the user.
/// Runs on: scheduler. Blocks: no.
using user_handler_actor = net::request_actor::extend<caf::reacts_to<user_answer_ptr>>;

user_handler_actor::behavior_type user_handler(user_handler_actor::stateful_pointer<exchange_state> self,
                                               net::request_ptr request, net::http_broker_actor broker,
                                               node_context_ptr node);

} // namespace beckon::actors
