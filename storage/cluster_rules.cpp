#include "storage/cluster_rules.hpp"

#include "storage/error.hpp"

#include <algorithm>

namespace beckon::storage::cluster_rules {

namespace {

caf::error wrong(const std::string& what) {
  return make_error(errc::bad_options, "cluster: " + what);
}

caf::error check_lease(int64_t lease_ms) {
  if (lease_ms < 1 || lease_ms > lease_ms_max)
    return wrong("a lease must be from 1 to " + std::to_string(lease_ms_max) + " ms");
  return {};
}

const cluster_node* find(const std::vector<cluster_node>& nodes, incarnation_id id) {
  auto found =
      std::find_if(nodes.begin(), nodes.end(), [&](const cluster_node& n) { return n.incarnation == id; });
  return found == nodes.end() ? nullptr : &*found;
}

bool has_lease(const cluster_node& n, int64_t now_ms) {
  return n.state != node_state::dead && n.lease_until_ms > now_ms;
}

size_t witnesses_against(const cluster_node& n, const std::vector<cluster_node>& nodes,
                         const burial_rule& rule, int64_t now_ms) {
  return static_cast<size_t>(std::count_if(nodes.begin(), nodes.end(), [&](const cluster_node& w) {
    return w.incarnation != n.incarnation && has_lease(w, now_ms)
           && now_ms - w.heartbeat_ms <= rule.witness_age_ms
           && std::find(w.suspects.begin(), w.suspects.end(), n.incarnation) != w.suspects.end();
  }));
}

/// The row of a change, if it is still as it was seen.
cluster_shard* as_seen(shard_rows& rows, const shard_change& change) {
  auto found = rows.find(change.shard);
  if (found == rows.end())
    return nullptr;
  auto& row = found->second;
  return row.owner == change.owner && row.epoch == change.epoch ? &row : nullptr;
}

void give(cluster_shard& row, incarnation_id to) {
  row.owner = to;
  ++row.epoch;
  row.state = shard_state::owned;
  row.next_owner = 0;
}

std::vector<cluster_shard> values_of(const shard_rows& rows) {
  std::vector<cluster_shard> out;
  for (const auto& row : rows)
    out.push_back(row.second);
  return out;
}

} // namespace

caf::error check(const joining_node& node) {
  if (node.cluster.empty() || node.identity.empty())
    return wrong("a joining node needs the cluster's name and the identity of its data directory");
  for (const auto* text :
       {&node.cluster, &node.name, &node.identity, &node.address, &node.http, &node.version})
    if (text->size() > text_bytes_max)
      return wrong("\"" + text->substr(0, 32) + "…\" has more than " + std::to_string(text_bytes_max)
                   + " bytes");
  return check_lease(node.lease_ms);
}

caf::error check(const heartbeat& h) {
  if (h.suspects.size() > suspects_max)
    return wrong("a node suspects more than " + std::to_string(suspects_max) + " others");
  return check_lease(h.lease_ms);
}

caf::error check_name(const std::string& where, const std::string& stored, const std::string& wanted) {
  if (stored.empty() || stored == wanted)
    return {};
  return make_error(errc::bad_options, where + " belongs to the cluster \"" + stored
                                           + "\", and this node is of the cluster \"" + wanted
                                           + "\": use the same name, or another database for this node");
}

std::vector<incarnation_id> dead_of(const std::vector<cluster_node>& nodes,
                                    const std::vector<incarnation_id>& asked, const burial_rule& rule,
                                    int64_t now_ms) {
  std::vector<incarnation_id> out;
  const auto* by = find(nodes, rule.by);
  if (!by || !has_lease(*by, now_ms))
    return out;
  for (const auto& n : nodes) {
    if (n.state == node_state::dead || n.incarnation == rule.by
        || std::find(asked.begin(), asked.end(), n.incarnation) == asked.end())
      continue;
    auto silent = now_ms - n.heartbeat_ms >= rule.silent_ms;
    if (!has_lease(n, now_ms) || (silent && witnesses_against(n, nodes, rule, now_ms) >= rule.witnesses_min))
      out.push_back(n.incarnation);
  }
  return out;
}

bool may_own(const std::vector<cluster_node>& nodes, incarnation_id node) {
  const auto* n = find(nodes, node);
  return n && (n->state == node_state::joining || n->state == node_state::active);
}

bool is_active(const std::vector<cluster_node>& nodes, incarnation_id node) {
  const auto* n = find(nodes, node);
  return n && n->state == node_state::active;
}

std::vector<cluster_shard> begin_moves(shard_rows& rows, const std::vector<shard_change>& moves,
                                       size_t moving_max, size_t draining, const node_test& may_receive) {
  shard_rows moving;
  for (const auto& move : moves) {
    auto* row = as_seen(rows, move);
    if (!row || row->owner == 0 || move.to == 0 || move.to == row->owner || !may_receive(move.to))
      continue;
    if (row->state == shard_state::draining) {
      if (row->next_owner == move.to) // a repetition after a lost answer
        moving[row->shard] = *row;
      continue;
    }
    if (draining >= moving_max)
      continue;
    ++draining;
    row->state = shard_state::draining;
    row->next_owner = move.to;
    moving[row->shard] = *row;
  }
  return values_of(moving);
}

std::vector<cluster_shard> assign(shard_rows& rows, const std::vector<shard_change>& changes,
                                  const node_test& may_receive) {
  shard_rows given;
  for (const auto& change : changes) {
    auto* row = as_seen(rows, change);
    if (!row || (change.to != 0 && !may_receive(change.to)))
      continue;
    give(*row, change.to);
    given[row->shard] = *row;
  }
  return values_of(given);
}

std::vector<cluster_shard> cancel_moves(shard_rows& rows, const std::vector<shard_change>& moves) {
  shard_rows kept;
  for (const auto& move : moves) {
    auto* row = as_seen(rows, move);
    if (!row || row->state != shard_state::draining)
      continue;
    row->state = shard_state::owned;
    row->next_owner = 0;
    kept[row->shard] = *row;
  }
  return values_of(kept);
}

std::vector<cluster_shard> release(shard_rows& rows, incarnation_id owner) {
  shard_rows freed;
  for (auto& [number, row] : rows)
    if (row.owner == owner) {
      give(row, 0);
      freed[number] = row;
    }
  return values_of(freed);
}

std::string shard_ranges(const std::vector<uint16_t>& sorted) {
  std::string out;
  for (size_t i = 0; i < sorted.size();) {
    auto last = i;
    while (last + 1 < sorted.size() && sorted[last + 1] == sorted[last] + 1)
      ++last;
    out += (out.empty() ? "" : ", ") + std::to_string(sorted[i]);
    if (last != i)
      out += '-' + std::to_string(sorted[last]);
    i = last + 1;
  }
  return out;
}

} // namespace beckon::storage::cluster_rules
