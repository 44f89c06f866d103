#include "apps/beckon/commands/cluster_view.hpp"

#include "json/json.hpp"
#include "json/object_reader.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace beckon::apps {

using storage::cluster_node;
using storage::cluster_picture;
using storage::incarnation_id;
using storage::node_state;

namespace {

bool holds_lease(const cluster_picture& p, const cluster_node& n) {
  return n.state != node_state::dead && n.lease_until_ms > p.now_ms;
}

std::string titles_of(const std::vector<const cluster_node*>& nodes) {
  std::string out;
  for (const auto* n : nodes)
    out += (out.empty() ? "" : ", ") + title_of(*n);
  return out;
}

template <class Test>
std::vector<const cluster_node*> those(const cluster_picture& p, Test test) {
  std::vector<const cluster_node*> out;
  for (const auto& n : p.nodes)
    if (test(n))
      out.push_back(&n);
  return out;
}

std::optional<incarnation_id> number_in(const std::string& word) {
  incarnation_id number = 0;
  const auto* end = word.data() + word.size();
  auto [stop, status] = std::from_chars(word.data(), end, number);
  if (status != std::errc{} || stop != end)
    return std::nullopt;
  return number;
}

chosen_node nobody(const cluster_picture& p, const std::string& word) {
  auto living = those(p, [](const auto& n) { return n.state != node_state::dead; });
  std::vector<std::string_view> names;
  for (const auto* n : living)
    names.emplace_back(n->name);
  auto near = json::nearest(word, names);
  auto problem = "no node " + json::clipped(word) + " is there";
  if (near)
    problem += "; did you mean " + std::string{*near} + '?';
  else
    problem += living.empty() ? "; there is none at all" : "; there are " + titles_of(living);
  return {std::nullopt, problem};
}

} // namespace

bool is_living(const cluster_picture& picture, incarnation_id node) {
  return std::any_of(picture.nodes.begin(), picture.nodes.end(),
                     [&](const cluster_node& n) { return n.incarnation == node && holds_lease(picture, n); });
}

std::vector<uint16_t> shards_without_owner(const cluster_picture& picture) {
  std::vector<uint16_t> out;
  for (const auto& s : picture.shards)
    if (s.known && !is_living(picture, s.owner))
      out.push_back(s.shard);
  return out;
}

std::string title_of(const cluster_node& node) {
  return node.name + " (incarnation " + std::to_string(node.incarnation) + ')';
}

chosen_node choose_node(const cluster_picture& picture, const std::string& word) {
  auto number = number_in(word);
  auto meant = [&](const cluster_node& n) { return n.name == word || (number && n.incarnation == *number); };
  auto living = those(picture, [&](const auto& n) { return n.state != node_state::dead && meant(n); });
  if (living.size() == 1)
    return {*living.front(), {}};
  if (living.size() > 1)
    return {std::nullopt, "more than one node is called " + json::clipped(word) + ": " + titles_of(living)
                              + "; name one by its number"};
  auto dead = those(picture, [&](const auto& n) { return n.state == node_state::dead && meant(n); });
  if (dead.empty())
    return nobody(picture, word);
  return {std::nullopt,
          title_of(*dead.back())
              + " is dead: the others take over its shards, so there is nothing to drain; if its "
                "process is alive, it joins again by itself, under another number"};
}

std::string refusal_of_last(const cluster_picture& picture, const cluster_node& node) {
  auto able = those(picture, [&](const auto& n) {
    return n.state == node_state::active && n.incarnation != node.incarnation && holds_lease(picture, n);
  });
  if (!able.empty())
    return {};
  return title_of(node)
         + " is the last active node: no other node could take its shards, and no popups would be shown. "
           "Start another one first, or add --last to stop the service";
}

std::string neighbours_of(const cluster_picture& picture, const cluster_node& node) {
  auto host = [](const cluster_node& n) { return n.address.substr(0, n.address.rfind(':')); };
  return titles_of(those(picture, [&](const auto& n) {
    return n.incarnation != node.incarnation && holds_lease(picture, n) && n.http == node.http
           && host(n) == host(node);
  }));
}

drain_state drain_state_of(const cluster_picture& picture, incarnation_id node) {
  drain_state out;
  for (const auto& s : picture.shards)
    out.shards += s.owner == node ? 1 : 0;
  auto rows = those(picture, [node](const auto& n) { return n.incarnation == node; });
  if (rows.empty())
    out.now = drain_state::phase::left;
  else if (rows.front()->state == node_state::dead)
    out.now = drain_state::phase::died;
  return out;
}

} // namespace beckon::apps
