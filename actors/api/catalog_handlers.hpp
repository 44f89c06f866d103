#pragma once

#include "actors/seam/request_handler.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

/// Request actors for popups and settings. Run on: scheduler. Block: no.
namespace beckon::actors {

/// Reads from the catalogue: GET of /v1/popups/{id}, /v1/settings.
using catalog_read_actor = net::request_actor::extend<caf::reacts_to<catalog_view_ptr>>;

/// Changes the catalogue: the answer comes when the change is durable and live on this node.
using catalog_change_actor = net::request_actor::extend<caf::reacts_to<catalog_answer_ptr>>;

/// Reads from the store: GET /v1/popups/{id}/stats.
using stats_actor =
    net::request_actor::extend<caf::reacts_to<catalog_view_ptr>, caf::reacts_to<read_result_ptr>>;

using catalog_read_pointer = catalog_read_actor::stateful_pointer<exchange_state>;
using catalog_change_pointer = catalog_change_actor::stateful_pointer<exchange_state>;
using stats_pointer = stats_actor::stateful_pointer<exchange_state>;

catalog_read_actor::behavior_type get_popup_handler(catalog_read_pointer self, net::request_ptr request,
                                                    net::http_broker_actor broker, node_context_ptr node);
catalog_read_actor::behavior_type get_settings_handler(catalog_read_pointer self, net::request_ptr request,
                                                       net::http_broker_actor broker, node_context_ptr node);
catalog_change_actor::behavior_type create_popup_handler(catalog_change_pointer self,
                                                         net::request_ptr request,
                                                         net::http_broker_actor broker,
                                                         node_context_ptr node);
catalog_change_actor::behavior_type put_popup_handler(catalog_change_pointer self, net::request_ptr request,
                                                      net::http_broker_actor broker, node_context_ptr node);
catalog_change_actor::behavior_type delete_popup_handler(catalog_change_pointer self,
                                                         net::request_ptr request,
                                                         net::http_broker_actor broker,
                                                         node_context_ptr node);
catalog_change_actor::behavior_type put_settings_handler(catalog_change_pointer self,
                                                         net::request_ptr request,
                                                         net::http_broker_actor broker,
                                                         node_context_ptr node);
stats_actor::behavior_type popup_stats_handler(stats_pointer self, net::request_ptr request,
                                               net::http_broker_actor broker, node_context_ptr node);

} // namespace beckon::actors
