#include "actors/api/node_handlers.hpp"

#include "actors/context/cluster_context.hpp"
#include "actors/seam/request_body.hpp"
#include "json/writer.hpp"

#include <string>
#include <utility>
#include <vector>

namespace beckon::actors {

namespace {

using behavior = net::request_actor::behavior_type;

/// Answers at once, so the actor has nothing to wait for.
behavior answer_now(node_handler_pointer self, net::response r) {
  answer(self, std::move(r));
  return behavior::make_empty_behavior();
}

struct check {
  std::string_view name;
  bool ok;
  std::string detail;
};

std::string store_detail(const node_context& node) {
  auto store = node.store.lock();
  auto warning = store ? store->warning() : std::string{};
  return warning.empty() ? "writable" : "writable; " + warning;
}

/// The node accepts events while the outbox can be written, whatever the state of the store.
check outbox_check(const node_context& node) {
  auto depth = node.outbox->depth();
  auto age_s = depth.oldest_ms == 0 ? 0 : (node.now_ms() - depth.oldest_ms) / 1000;
  auto detail = std::to_string(depth.events) + " events wait (" + std::to_string(depth.bytes)
                + " bytes), the oldest for " + std::to_string(age_s) + " s";
  if (node.health.outbox.writable)
    return {"outbox", true, std::move(detail)};
  auto fault = node.health.outbox.fault();
  return {"outbox", false, fault.empty() ? "not checked yet" : fault + "; " + detail};
}

check shards_check(const node_context& node) {
  const auto all = std::to_string(decision::shard_count);
  const auto alive = node.health.shards_alive.load();
  if (!node.cluster)
    return {"shards", alive == decision::shard_count,
            std::to_string(alive) + " of " + all + " are served by this node"};
  auto detail = std::to_string(node.cluster->shards_owned) + " of " + all + " are this node's, "
                + std::to_string(node.cluster->shards_unreachable) + " cannot be reached now";
  return {"shards", alive == decision::shard_count, std::move(detail)};
}

/// A member is ready even after its lease has run out, because it accepts events and answers users in
/// cooldown. It is also ready while other nodes' shards cannot be reached, because no other node would serve
/// those better.
check cluster_check(const cluster_context& c) {
  if (!c.active) {
    auto fault = c.fault();
    return {"cluster", false, "not an active member: " + (fault.empty() ? "joining or leaving" : fault)};
  }
  auto left_ms = c.lease_until_ms - c.steady_ms();
  auto detail = left_ms > 0 ? "the lease lasts for " + std::to_string(left_ms) + " ms"
                            : "the lease has run out: no popup is shown until it is renewed; " + c.fault();
  return {"cluster", true, std::move(detail)};
}

std::vector<check> checks(const node_context& node) {
  const auto& h = node.health;
  auto fault = h.store.fault();
  auto fatal = h.fatal_reason();
  std::vector<check> list{
      {"process", fatal.empty(), fatal.empty() ? "no fatal fault" : fatal},
      {"draining", !h.draining, h.draining ? "the node is stopping" : "the node accepts requests"},
      {"catalog", h.catalog_loaded, h.catalog_loaded ? "loaded" : "not loaded yet"},
      {"store", h.store.writable || node.outbox,
       h.store.writable ? store_detail(node)
       : fault.empty()  ? "not checked yet"
                        : fault},
      shards_check(node),
  };
  if (node.cluster)
    list.push_back(cluster_check(*node.cluster));
  if (node.outbox)
    list.push_back(outbox_check(node));
  return list;
}

net::response readiness(const node_context& node, bool verbose) {
  bool ready = true;
  std::string body;
  json::writer w{body};
  w.begin_object().key("checks").begin_array();
  json::field_errors faults;
  for (const auto& c : checks(node)) {
    ready = ready && c.ok;
    w.begin_object().member("name", c.name).member("ok", c.ok).member("detail", c.detail).end_object();
    if (!c.ok)
      faults.push_back({"/" + std::string{c.name}, c.detail});
  }
  w.end_array().member("ready", ready).end_object();
  if (ready)
    return json_answer(verbose ? std::move(body) : json_flag("ready", true));
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
  return answer_now(self, json_answer(json_flag("alive", true)));
}

behavior readyz_handler(node_handler_pointer self, net::request_ptr request, net::http_broker_actor broker,
                        node_context_ptr node) {
  auto& st = self->state;
  st.open(std::move(request), std::move(broker), std::move(node));
  auto query = net::parse_query(st.request->query);
  if (!query)
    return answer_now(self, net::make_problem(400, "the query string is malformed; only ?verbose is known"));
  bool verbose = false;
  for (const auto& [name, value] : *query)
    verbose = verbose || (name == "verbose" && value != "false");
  return answer_now(self, readiness(*st.node, verbose));
}

behavior health_handler(node_handler_pointer self, net::request_ptr request, net::http_broker_actor broker,
                        node_context_ptr node) {
  auto& st = self->state;
  st.open(std::move(request), std::move(broker), std::move(node));
  auto r = readiness(*st.node, false);
  if (r.status == 200) {
    r.body.clear();
    json::writer{r.body}.begin_object().member("status", "ok").end_object();
  }
  return answer_now(self, std::move(r));
}

behavior metrics_handler(node_handler_pointer self, net::request_ptr request, net::http_broker_actor broker,
                         node_context_ptr node) {
  auto& st = self->state;
  st.open(std::move(request), std::move(broker), std::move(node));
  net::response r;
  r.content_type = "text/plain; version=0.0.4; charset=utf-8";
  auto store = st.node->store.lock();
  r.body = st.node->metrics->text(store ? store->stats() : storage::store_stats{});
  return answer_now(self, std::move(r));
}

} // namespace beckon::actors
