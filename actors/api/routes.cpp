#include "actors/api/routes.hpp"

#include "actors/api/catalog_handlers.hpp"
#include "actors/api/cluster_handler.hpp"
#include "actors/api/decide_handler.hpp"
#include "actors/api/events_handler.hpp"
#include "actors/api/node_handlers.hpp"
#include "actors/api/popup_list_handler.hpp"
#include "actors/api/user_handler.hpp"

#include <utility>

namespace beckon::actors {

std::vector<net::route> make_routes(const node_context_ptr& node) {
  using net::http_method;
  auto metrics = make_route(http_method::get, "/metrics", node, metrics_handler);
  metrics.publish_metrics = true;
  auto decide = make_route(http_method::post, "/v1/decide", node, decide_handler);
  auto decide_by_query = make_route(http_method::get, "/v1/decide", node, decide_handler);
  decide.quick = decide_by_query.quick = true;
  decide_by_query.query = {{"user", "request_id", "dry_run", "explain"}, {"placement"}};
  // Whoever probes or scrapes may add what keeps its own caches or logs apart.
  net::query_names any;
  any.any = true;
  metrics.query = any;
  return {
      std::move(decide),
      std::move(decide_by_query),
      make_route(http_method::post, "/v1/events", node, events_handler),
      with_query(make_route(http_method::get, "/v1/events", node, event_export_handler),
                 {{"since", "until", "user", "popup", "type", "format"}}),
      with_query(make_route(http_method::get, "/v1/popups", node, popup_list_handler),
                 {{"status", "placement"}}),
      make_route(http_method::post, "/v1/popups", node, create_popup_handler),
      make_route(http_method::get, "/v1/popups/{id}", node, get_popup_handler),
      make_route(http_method::put, "/v1/popups/{id}", node, put_popup_handler),
      make_route(http_method::del, "/v1/popups/{id}", node, delete_popup_handler),
      make_route(http_method::get, "/v1/popups/{id}/stats", node, popup_stats_handler),
      make_route(http_method::get, "/v1/settings", node, get_settings_handler),
      make_route(http_method::put, "/v1/settings", node, put_settings_handler),
      make_route(http_method::get, "/v1/users/{id}", node, user_handler),
      make_route(http_method::put, "/v1/users/{id}", node, user_handler),
      make_route(http_method::patch, "/v1/users/{id}", node, user_handler),
      make_route(http_method::del, "/v1/users/{id}", node, user_handler),
      with_query(make_route(http_method::get, "/v1/cluster", node, cluster_handler), {{"verbose"}}),
      with_query(make_route(http_method::get, "/livez", node, livez_handler), any),
      with_query(make_route(http_method::get, "/readyz", node, readyz_handler), any),
      with_query(make_route(http_method::get, "/health", node, health_handler), any),
      std::move(metrics),
  };
}

} // namespace beckon::actors
