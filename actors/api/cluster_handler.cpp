#include "actors/api/cluster_handler.hpp"

#include "actors/context/cluster_context.hpp"
#include "actors/seam/request_body.hpp"
#include "json/time_text.hpp"

#include <algorithm>
#include <utility>

namespace beckon::actors {

namespace {

using storage::cluster_node;
using storage::incarnation_id;

void append_text(std::string& out, std::string_view name, const std::string& value) {
  out += ",\"";
  out += name;
  out += "\":";
  json::append_quoted(out, value);
}

void append_number(std::string& out, std::string_view name, int64_t value) {
  out += ",\"";
  out += name;
  out += "\":" + std::to_string(value);
}

void append_moment(std::string& out, std::string_view name, int64_t ms) {
  out += ",\"";
  out += name;
  out += "\":\"";
  json::append_rfc3339(out, ms);
  out += '"';
}

/// "0-3, 7, 9-12".
std::string ranges(const std::vector<uint16_t>& sorted) {
  std::string out;
  for (size_t i = 0; i < sorted.size();) {
    auto last = i;
    while (last + 1 < sorted.size() && sorted[last + 1] == sorted[last] + 1)
      ++last;
    out += out.empty() ? "" : ", ";
    out += std::to_string(sorted[i]);
    if (last != i)
      out += '-' + std::to_string(sorted[last]);
    i = last + 1;
  }
  return out;
}

std::vector<uint16_t> shards_of(const cluster_status& s, incarnation_id owner) {
  std::vector<uint16_t> out;
  for (const auto& row : s.picture.shards)
    if (row.owner == owner)
      out.push_back(row.shard);
  return out;
}

void append_node(std::string& out, const cluster_status& s, const cluster_node& n) {
  auto shards = shards_of(s, n.incarnation);
  auto up = std::find(s.links.begin(), s.links.end(), n.incarnation) != s.links.end();
  out += R"({"incarnation":)" + std::to_string(n.incarnation);
  append_text(out, "name", n.name);
  append_text(out, "state", storage::to_string(n.state));
  append_text(out, "address", n.address);
  append_text(out, "http", n.http);
  append_text(out, "version", n.version);
  append_moment(out, "heartbeat_at", n.heartbeat_ms);
  append_moment(out, "lease_until", n.lease_until_ms);
  append_number(out, "lease_left_ms", std::max<int64_t>(0, n.lease_until_ms - s.picture.now_ms));
  append_text(out, "link", n.incarnation == s.self ? "self" : up ? "up" : "down");
  out += ",\"suspects\":[";
  for (size_t i = 0; i < n.suspects.size(); ++i)
    out += (i == 0 ? "" : ",") + std::to_string(n.suspects[i]);
  out += ']';
  append_number(out, "shards", static_cast<int64_t>(shards.size()));
  append_text(out, "owns", ranges(shards));
  out += '}';
}

void append_moves(std::string& out, const cluster_status& s) {
  out += R"(,"moves":[)";
  bool first = true;
  for (const auto& row : s.picture.shards) {
    if (row.state != storage::shard_state::draining)
      continue;
    out += std::exchange(first, false) ? "" : ",";
    out += R"({"shard":)" + std::to_string(row.shard);
    append_number(out, "from", static_cast<int64_t>(row.owner));
    append_number(out, "to", static_cast<int64_t>(row.next_owner));
    append_number(out, "epoch", static_cast<int64_t>(row.epoch));
    out += '}';
  }
  out += ']';
}

void append_shards(std::string& out, const cluster_status& s) {
  out += R"(,"shards":[)";
  for (const auto& row : s.picture.shards) {
    out += out.back() == '[' ? "" : ",";
    out += R"({"shard":)" + std::to_string(row.shard);
    append_number(out, "owner", static_cast<int64_t>(row.owner));
    append_number(out, "epoch", static_cast<int64_t>(row.epoch));
    append_text(out, "state", row.known ? storage::to_string(row.state) : "unknown");
    out += '}';
  }
  out += ']';
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
  std::string out = R"({"clustered":true)";
  append_text(out, "cluster", s.picture.cluster);
  out += R"(,"self":{"incarnation":)" + std::to_string(s.self);
  append_text(out, "state", to_string(s.phase));
  append_number(out, "lease_left_ms", s.lease_left_ms);
  append_number(out, "clock_off_ms", s.clock_off_ms);
  append_text(out, "fault", s.fault);
  out += '}';
  append_moment(out, "as_of", s.picture.now_ms);
  append_number(out, "epoch", static_cast<int64_t>(epoch));
  append_number(out, "shards_without_owner", without);
  append_moves(out, s);
  out += R"(,"nodes":[)";
  for (const auto& n : s.picture.nodes) {
    out += out.back() == '[' ? "" : ",";
    append_node(out, s, n);
  }
  out += ']';
  if (verbose)
    append_shards(out, s);
  out += '}';
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
    answer(self, json_answer(R"({"clustered":false})"));
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
