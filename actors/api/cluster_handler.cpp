#include "actors/api/cluster_handler.hpp"

#include "actors/context/cluster_context.hpp"
#include "actors/seam/request_body.hpp"
#include "json/writer.hpp"
#include "storage/cluster_json.hpp"
#include "storage/cluster_rules.hpp"

#include <algorithm>
#include <utility>

namespace beckon::actors {

namespace {

using storage::cluster_node;
using storage::incarnation_id;

std::vector<uint16_t> shards_of(const cluster_status& s, incarnation_id owner) {
  std::vector<uint16_t> out;
  for (const auto& row : s.picture.shards)
    if (row.owner == owner)
      out.push_back(row.shard);
  return out;
}

void write_node(json::writer& out, const cluster_status& s, const cluster_node& n) {
  auto shards = shards_of(s, n.incarnation);
  auto up = std::find(s.links.begin(), s.links.end(), n.incarnation) != s.links.end();
  storage::begin_node(out, n);
  out.member("lease_left_ms", std::max<int64_t>(0, n.lease_until_ms - s.picture.now_ms));
  out.member("link", n.incarnation == s.self ? "self" : up ? "up" : "down");
  out.key("suspects").begin_array();
  for (auto suspect : n.suspects)
    out.number(suspect);
  out.end_array()
      .member("shards", shards.size())
      .member("owns", storage::cluster_rules::shard_ranges(shards))
      .end_object();
}

void write_shards(json::writer& out, const cluster_status& s) {
  out.key("shards").begin_array();
  for (const auto& row : s.picture.shards) {
    out.begin_object().member("shard", row.shard).member("owner", row.owner).member("epoch", row.epoch);
    out.member("state", row.known ? storage::to_string(row.state) : "unknown").end_object();
  }
  out.end_array();
}

bool is_living(const cluster_status& s, incarnation_id node) {
  return std::any_of(s.picture.nodes.begin(), s.picture.nodes.end(), [node](const cluster_node& n) {
    return n.incarnation == node && n.state != storage::node_state::dead;
  });
}

} // namespace

std::string render_cluster(const cluster_status& s, bool verbose) {
  uint64_t epoch = 0;
  int64_t without = 0;
  for (const auto& row : s.picture.shards) {
    epoch = std::max(epoch, row.epoch);
    without += is_living(s, row.owner) ? 0 : 1;
  }
  std::string out;
  json::writer w{out};
  w.begin_object().member("clustered", true).member("cluster", s.picture.cluster);
  w.key("self").begin_object().member("incarnation", s.self).member("state", to_string(s.phase));
  w.member("lease_left_ms", s.lease_left_ms).member("clock_off_ms", s.clock_off_ms);
  w.member("fault", s.fault).end_object();
  w.key("as_of").time(s.picture.now_ms).member("epoch", epoch).member("shards_without_owner", without);
  storage::write_moves(w.key("moves"), s.picture);
  w.key("nodes").begin_array();
  for (const auto& n : s.picture.nodes)
    write_node(w, s, n);
  w.end_array();
  if (verbose)
    write_shards(w, s);
  w.end_object();
  return out;
}

cluster_handler_actor::behavior_type
cluster_handler(cluster_handler_actor::stateful_pointer<cluster_exchange_state> self,
                net::request_ptr request, net::http_broker_actor broker, node_context_ptr node) {
  auto& st = self->state;
  st.open(std::move(request), std::move(broker), std::move(node));
  auto query = net::parse_query(st.request->query);
  if (!query) {
    answer(self, net::make_problem(400, "the query string is malformed; only ?verbose is known"));
    return cluster_handler_actor::behavior_type::make_empty_behavior();
  }
  for (const auto& [name, value] : *query)
    st.verbose = st.verbose || (name == "verbose" && value != "false");
  if (!st.node->cluster) {
    answer(self, json_answer(json_flag("clustered", false)));
    return cluster_handler_actor::behavior_type::make_empty_behavior();
  }
  self->send(st.node->cluster->map(), view_atom::value);
  return {
      [self](net::expire_atom) { answer_expired(self); },
      [self](const cluster_status_ptr& s) {
        answer(self, json_answer(render_cluster(*s, self->state.verbose)));
      },
  };
}

} // namespace beckon::actors
