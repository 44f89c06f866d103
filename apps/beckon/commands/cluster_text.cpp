#include "apps/beckon/commands/cluster_view.hpp"
#include "json/json.hpp"
#include "json/time_text.hpp"
#include "json/writer.hpp"
#include "storage/cluster_json.hpp"
#include "storage/cluster_rules.hpp"

#include <algorithm>
#include <array>
#include <utility>

// Rendering of the tables.
namespace beckon::apps {

using storage::cluster_node;
using storage::cluster_picture;
using storage::cluster_shard;
using storage::incarnation_id;
using storage::node_state;
using storage::shard_state;

namespace {

/// Rows of dead nodes shown on a terminal; the tables keep them for a day.
constexpr size_t dead_shown_max = 5;

constexpr size_t columns = 9;
using table_row = std::array<std::string, columns>;

std::vector<uint16_t> shards_of(const cluster_picture& p, incarnation_id owner) {
  std::vector<uint16_t> out;
  for (const auto& s : p.shards)
    if (s.known && s.owner == owner)
      out.push_back(s.shard);
  return out;
}

std::vector<uint16_t> unknown_shards(const cluster_picture& p) {
  std::vector<uint16_t> out;
  for (const auto& s : p.shards)
    if (!s.known)
      out.push_back(s.shard);
  return out;
}

/// The living nodes that cannot reach this one.
std::vector<incarnation_id> suspected_by(const cluster_picture& p, incarnation_id node) {
  std::vector<incarnation_id> out;
  for (const auto& n : p.nodes)
    if (is_living(p, n.incarnation)
        && std::find(n.suspects.begin(), n.suspects.end(), node) != n.suspects.end())
      out.push_back(n.incarnation);
  return out;
}

std::string list_of(const std::vector<incarnation_id>& ids, const char* between) {
  std::string out;
  for (auto id : ids)
    out += (out.empty() ? "" : between) + std::to_string(id);
  return out;
}

std::string lease_text(const cluster_picture& p, const cluster_node& n) {
  if (n.state == node_state::dead)
    return "-";
  auto left_ms = n.lease_until_ms - p.now_ms;
  if (left_ms <= 0)
    return "run out";
  return std::to_string(left_ms / 1000) + '.' + std::to_string(left_ms % 1000 / 100) + " s";
}

/// Terminal columns: characters, not bytes.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string aligned(const std::vector<table_row>& table) {
  std::array<size_t, columns> widths{};
  for (const auto& row : table)
    for (size_t i = 0; i < columns; ++i)
      widths[i] = std::max(widths[i], width_of(row[i]));
  std::string out;
  for (const auto& row : table) {
    std::string line;
    for (size_t i = 0; i < columns; ++i) {
      std::string blanks(widths[i] - width_of(row[i]), ' ');
      auto is_number = i == 0 || i == 3 || i == 4;
      line += (i == 0 ? "" : "  ") + (is_number ? blanks + row[i] : row[i] + blanks);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

std::string count_of(const cluster_picture& p, node_state state) {
  auto n = std::count_if(p.nodes.begin(), p.nodes.end(), [&](const auto& x) { return x.state == state; });
  return std::to_string(n) + ' ' + to_string(state);
}

/// Living nodes first, then the most recently dead.
std::vector<const cluster_node*> in_order(const cluster_picture& p) {
  std::vector<const cluster_node*> out;
  for (const auto& n : p.nodes)
    if (n.state != node_state::dead)
      out.push_back(&n);
  size_t dead = 0;
  for (auto n = p.nodes.rbegin(); n != p.nodes.rend(); ++n)
    if (n->state == node_state::dead && dead++ < dead_shown_max)
      out.push_back(&*n);
  return out;
}

std::string table_of(const cluster_picture& p) {
  std::vector<table_row> table = {
      {"NO", "NAME", "STATE", "LEASE", "SHARDS", "ADDRESS", "HTTP", "VERSION", "SUSPECTED BY"}};
  for (const auto* n : in_order(p)) {
    auto by = list_of(suspected_by(p, n->incarnation), ", ");
    table.push_back({std::to_string(n->incarnation), n->name, to_string(n->state), lease_text(p, *n),
                     std::to_string(shards_of(p, n->incarnation).size()), n->address, n->http, n->version,
                     by.empty() ? "-" : by});
  }
  return aligned(table);
}

std::string moves_text(const cluster_picture& p) {
  std::string out;
  for (const auto& s : p.shards)
    if (s.known && s.state == shard_state::draining)
      out += (out.empty() ? "" : "; ") + std::to_string(s.shard) + " from " + std::to_string(s.owner) + " to "
             + std::to_string(s.next_owner);
  return "moving: " + (out.empty() ? "nothing" : "shard " + out) + '\n';
}

std::string verdict_of(const cluster_picture& p) {
  if (p.nodes.empty())
    return "there are no nodes, so no popups are shown; start one\n";
  if (auto orphans = shards_without_owner(p); !orphans.empty()) {
    constexpr size_t list_bytes_max = 60;
    auto list = storage::cluster_rules::shard_ranges(orphans);
    return std::to_string(orphans.size()) + " of " + std::to_string(p.shards.size())
           + " shards have no living owner" + (list.size() > list_bytes_max ? "" : " (" + list + ')')
           + "; their users see no popups until a node takes them over\n";
  }
  if (auto unknown = unknown_shards(p); !unknown.empty())
    return "the owners of " + std::to_string(unknown.size()) + " shards are unknown: " + p.trouble + '\n';
  return "all " + std::to_string(p.shards.size()) + " shards have a living owner\n";
}

void write_ids(json::writer& out, const std::vector<incarnation_id>& ids) {
  out.begin_array();
  for (auto id : ids)
    out.number(id);
  out.end_array();
}

void write_node(json::writer& out, const cluster_picture& p, const cluster_node& n) {
  auto shards = shards_of(p, n.incarnation);
  storage::begin_node(out, n);
  auto left = n.state == node_state::dead ? 0 : std::max<int64_t>(0, n.lease_until_ms - p.now_ms);
  out.member("lease_left_ms", left);
  write_ids(out.key("suspects"), n.suspects);
  write_ids(out.key("suspected_by"), suspected_by(p, n.incarnation));
  out.member("shards", shards.size())
      .member("owns", storage::cluster_rules::shard_ranges(shards))
      .end_object();
}

} // namespace

bool all_shards_owned(const cluster_picture& picture) {
  return !picture.shards.empty() && shards_without_owner(picture).empty() && unknown_shards(picture).empty();
}

std::string nodes_text(const cluster_picture& p) {
  auto dead = static_cast<size_t>(std::count_if(p.nodes.begin(), p.nodes.end(),
                                                [](const auto& n) { return n.state == node_state::dead; }));
  auto out = "cluster " + (p.cluster.empty() ? "without a name yet" : '\'' + p.cluster + '\'') + ", "
             + json::format_rfc3339(p.now_ms) + " by the database's clock\n\n";
  if (!p.nodes.empty())
    out += table_of(p) + '\n';
  out +=
      "nodes: " + count_of(p, node_state::active) + ", " + count_of(p, node_state::joining) + ", "
      + count_of(p, node_state::draining) + "; " + std::to_string(dead) + " dead"
      + (dead > dead_shown_max ? ", of which the last " + std::to_string(dead_shown_max) + " are shown" : "")
      + '\n';
  return out + moves_text(p) + verdict_of(p);
}

std::string nodes_json(const cluster_picture& p) {
  uint64_t epoch = 0;
  for (const auto& s : p.shards)
    epoch = std::max(epoch, s.epoch);
  std::string out;
  json::writer w{out};
  w.begin_object().member("cluster", p.cluster).key("as_of").time(p.now_ms).member("epoch", epoch);
  w.member("shards_without_owner", shards_without_owner(p).size());
  w.member("shards_unknown", unknown_shards(p).size()).member("fault", p.trouble);
  storage::write_moves(w.key("moves"), p);
  w.key("nodes").begin_array();
  for (const auto& n : p.nodes)
    write_node(w, p, n);
  w.end_array().end_object();
  return out + '\n';
}

} // namespace beckon::apps
