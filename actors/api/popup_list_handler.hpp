#pragma once

#include "actors/seam/request_handler.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <string>

namespace beckon::actors {

/// Answers one GET /v1/popups[?status=S][&placement=P]. The catalogue may be larger than an answer should be,
/// so it is streamed from the immutable view, each piece when the client has taken the last one. Runs on:
/// scheduler. Blocks: no.
using popup_list_handler_actor = net::streaming_request_actor::extend<caf::reacts_to<catalog_view_ptr>>;

struct popup_list_state : exchange_state {
  catalog_view_ptr view;
  std::string status;    // empty: any
  std::string placement; // empty: any
  size_t next = 0;       // next popup
  bool first = true;     // nothing written yet
  bool closed = false;   // the closing bracket was written
  std::string rest;      // written but not sent: one popup may be larger than a piece
};

popup_list_handler_actor::behavior_type
popup_list_handler(popup_list_handler_actor::stateful_pointer<popup_list_state> self,
                   net::request_ptr request, net::http_broker_actor broker, node_context_ptr node);

} // namespace beckon::actors
