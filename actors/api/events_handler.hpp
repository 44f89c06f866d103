#pragma once

#include "actors/api/event_json.hpp"
#include "actors/seam/request_handler.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace beckon::actors {

/// Answers one POST /v1/events: 202 only after the accepted events are durable.
/// Runs on: scheduler. Blocks: no.
using events_handler_actor = net::request_actor::extend<caf::reacts_to<write_result_ptr>>;

struct events_handler_state : exchange_state {
  parsed_events parsed;
};

events_handler_actor::behavior_type
events_handler(events_handler_actor::stateful_pointer<events_handler_state> self, net::request_ptr request,
               net::http_broker_actor broker, node_context_ptr node);

/// Answers one GET /v1/events: reads page after page, each only when the client has taken the last one.
using event_export_handler_actor = net::streaming_request_actor::extend<caf::reacts_to<read_result_ptr>>;

struct event_export_state : exchange_state {
  storage::event_filter filter;
  storage::event_page page; // read, and sent up to `sent`
  size_t sent = 0;
  bool begun = false;
};

event_export_handler_actor::behavior_type
event_export_handler(event_export_handler_actor::stateful_pointer<event_export_state> self,
                     net::request_ptr request, net::http_broker_actor broker, node_context_ptr node);

} // namespace beckon::actors
