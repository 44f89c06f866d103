#include "actors/node_handlers.hpp"

#include "actors/request_body.hpp"

#include <string>
#include <utility>
#include <vector>

namespace beckon::actors {

namespace {

using behavior = net::request_actor::behavior_type;

/// Answers at once: nothing is left for the actor to wait for.
behavior answer_now(node_handler_pointer self, net::response r) {
  answer(self, std::move(r));
  return behavior::make_empty_behavior();
}

struct check {
  std::string_view name;
  bool ok;
  std::string detail;
};

std::vector<check> checks(const node_context& node) {
  const auto& h = node.health;
  auto fault = h.store_fault();
  auto fatal = h.fatal_reason();
  return {
      {"process", fatal.empty(), fatal.empty() ? "no fatal fault" : fatal},
      {"draining", !h.draining, h.draining ? "the node is stopping" : "the node takes requests"},
      {"catalog", h.catalog_loaded, h.catalog_loaded ? "loaded" : "not loaded yet"},
      {"store", h.store_writable,
       h.store_writable ? "writable"
       : fault.empty()  ? "not asked yet"
                        : fault},
      {"shards", node.handles() != nullptr, "all 256 owned by this node"},
  };
}

net::response readiness(const node_context& node, bool verbose) {
  bool ready = true;
  std::string body = "{\"checks\":[";
  json::field_errors faults;
  for (const auto& c : checks(node)) {
    ready = ready && c.ok;
    if (body.back() != '[')
      body += ',';
    body += R"({"name":")" + std::string{c.name} + R"(","ok":)" + (c.ok ? "true" : "false") + R"(,"detail":)";
    json::append_quoted(body, c.detail);
    body += '}';
    if (!c.ok)
      faults.push_back({"/" + std::string{c.name}, c.detail});
  }
  body += R"(],"ready":)" + std::string{ready ? "true" : "false"} + "}";
  if (ready)
    return json_answer(verbose ? std::move(body) : R"({"ready":true})");
  if (verbose)
    return json_answer(std::move(body), 503);
  auto r = net::make_problem(503, "the node is not ready; the reasons are in errors", faults);
  r.headers.emplace_back("Retry-After", "1");
  return r;
}

} // namespace

behavior livez_handler(node_handler_pointer self, net::request_ptr request, net::http_broker_actor broker,
                       node_context_ptr node) {
  self->state.open(std::move(request), std::move(broker), std::move(node));
  return answer_now(self, json_answer(R"({"alive":true})"));
}

behavior readyz_handler(node_handler_pointer self, net::request_ptr request, net::http_broker_actor broker,
                        node_context_ptr node) {
  auto& st = self->state;
  st.open(std::move(request), std::move(broker), std::move(node));
  auto query = net::parse_query(st.request->query);
  if (!query)
    return answer_now(self, net::make_problem(400, "the query string is not well-formed; known is ?verbose"));
  bool verbose = false;
  for (const auto& [name, value] : *query)
    verbose = verbose || (name == "verbose" && value != "false");
  return answer_now(self, readiness(*st.node, verbose));
}

behavior metrics_handler(node_handler_pointer self, net::request_ptr request, net::http_broker_actor broker,
                         node_context_ptr node) {
  auto& st = self->state;
  st.open(std::move(request), std::move(broker), std::move(node));
  net::response r;
  r.content_type = "text/plain; version=0.0.4; charset=utf-8";
  r.body = st.node->metrics->text();
  return answer_now(self, std::move(r));
}

} // namespace beckon::actors
