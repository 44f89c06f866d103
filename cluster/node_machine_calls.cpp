#include "cluster/node_machine.hpp"
#include "cluster/plan.hpp"

#include <algorithm>
#include <limits>
#include <utility>

// Chooses a node's next step.
namespace beckon::cluster {

using storage::node_state;
using storage::shard_change;

std::optional<cluster_call> node_machine::next_call(int64_t now_ms) {
  if (calling_ || phase_ == node_phase::left || now_ms < retry_at_ms_)
    return std::nullopt;
  auto next = urgent_call(now_ms);
  // Decide everything else on the tables as they are now, not as they were before this node changed them.
  if (!next && picture_ && self_ != 0 && !look_soon_) {
    next = bury_due(now_ms);
    fresh_ = false;
    if (!next)
      next = assign_due(now_ms);
    if (!next)
      next = overdue_moves(now_ms);
    if (!next)
      next = moves_due(now_ms);
  }
  calling_ = next.has_value();
  return next;
}

// Every time that the calls below compare with the present.
int64_t node_machine::due_ms(int64_t now_ms) const {
  auto due = std::numeric_limits<int64_t>::max();
  auto look_at = [&](int64_t at_ms) {
    if (at_ms > now_ms)
      due = std::min(due, at_ms);
  };
  if (calling_ || phase_ == node_phase::left)
    return due;
  if (now_ms < retry_at_ms_)
    return retry_at_ms_;
  if (phase_ == node_phase::out)
    return drain_wanted_ ? due : now_ms;
  look_at(next_beat_ms_);
  if (look_soon_)
    look_at(last_beat_ms_ + options_.pace_ms);
  for (const auto& [peer, l] : links_)
    if (!l.up)
      look_at(l.since_ms + options_.suspect_after_ms);
  if (orphans_since_ms_ >= 0)
    look_at(orphans_since_ms_ + orphans_pause_ms());
  for (const auto& [shard, m] : moves_)
    if (!m.handed)
      look_at(m.begun_ms + options_.hand_over_ms);
  look_at(next_move_ms_);
  return due;
}

std::optional<cluster_call> node_machine::urgent_call(int64_t now_ms) {
  if (phase_ == node_phase::out)
    return drain_wanted_ ? std::nullopt : std::optional<cluster_call>{join_call{}};
  auto suspected = suspects(now_ms);
  auto due = now_ms >= next_beat_ms_ || (look_soon_ && now_ms >= last_beat_ms_ + options_.pace_ms)
             || suspected != told_suspects_;
  if (due) {
    look_soon_ = false;
    last_beat_ms_ = now_ms;
    // Renew faster, to notice in time whether a suspected node is silent.
    next_beat_ms_ = now_ms + (suspected.empty() ? options_.heartbeat_ms : options_.heartbeat_ms / 4);
    told_suspects_ = suspected;
    return beat_call{std::move(suspected)};
  }
  if (look_soon_)
    return std::nullopt;
  if (drain_wanted_ && !drain_known_)
    return drain_call{};
  if (phase_ == node_phase::draining && may_leave_ && is_drained())
    return leave_call{};
  if (phase_ == node_phase::joining && picture_ && missing_links().empty())
    return activate_call{};
  return std::nullopt;
}

// After an outage of the database every lease has run out. So a node declares others dead only after it has
// held its own lease without a gap for one lease time: by then every living node has renewed.
std::optional<cluster_call> node_machine::bury_due(int64_t now_ms) {
  if (!fresh_)
    return std::nullopt;
  auto contact_ms = now_ms - contact_since_ms_;
  bury_call out;
  for (const auto& n : picture_->nodes) {
    if (n.incarnation == self_ || n.state == node_state::dead)
      continue;
    auto run_out = n.lease_until_ms < picture_->now_ms && contact_ms >= options_.lease_ms;
    auto suspects_it = [&](const storage::cluster_node& other) {
      return other.incarnation != n.incarnation
             && std::find(other.suspects.begin(), other.suspects.end(), n.incarnation)
                    != other.suspects.end();
    };
    auto given_up = is_silent(n) && contact_ms >= options_.silent_ms
                    && std::count_if(picture_->nodes.begin(), picture_->nodes.end(), suspects_it) >= 2;
    if (run_out || given_up)
      out.nodes.push_back(n.incarnation);
  }
  return out.nodes.empty() ? std::nullopt : std::optional<cluster_call>{std::move(out)};
}

shard_change node_machine::change_of(uint16_t shard, incarnation_id to) const {
  return {shard, shards_[shard].owner, shards_[shard].epoch, to};
}

// Shards that were handed over, and shards without an owner. Several nodes may see the latter at once: the
// first succeeds, and the others find the shards changed. To make this rare, a node waits a little longer the
// later it joined.
std::optional<cluster_call> node_machine::assign_due(int64_t now_ms) {
  assign_call out;
  for (const auto& [shard, m] : moves_)
    if (m.handed && may_receive(m.to))
      out.changes.push_back(change_of(shard, m.to));
  if (!out.changes.empty())
    return out;
  auto orphans = std::any_of(shards_.begin(), shards_.end(), [this](const auto& s) { return is_orphan(s); });
  auto able = owners();
  if (!orphans || phase_ != node_phase::active || able.empty()) {
    orphans_since_ms_ = -1;
    return std::nullopt;
  }
  if (orphans_since_ms_ < 0)
    orphans_since_ms_ = now_ms;
  if (now_ms < orphans_since_ms_ + orphans_pause_ms())
    return std::nullopt;
  auto suspected = suspects(now_ms);
  for (const auto& change : plan_changes({shards_.begin(), shards_.end()}, able)) {
    if (!is_orphan(shards_[change.shard]))
      continue;
    const auto* to = find(change.to);
    auto doubtful =
        !to || is_silent(*to) || std::binary_search(suspected.begin(), suspected.end(), change.to);
    out.changes.push_back(change_of(change.shard, doubtful ? self_ : change.to));
  }
  return out.changes.empty() ? std::nullopt : std::optional<cluster_call>{std::move(out)};
}

int64_t node_machine::orphans_pause_ms() const {
  auto able = owners();
  return (std::lower_bound(able.begin(), able.end(), self_) - able.begin()) * options_.pace_ms * 2;
}

/// The tables give a shard to nobody else.
bool node_machine::may_receive(incarnation_id node) const {
  const auto* n = find(node);
  return n && (n->state == node_state::joining || n->state == node_state::active);
}

// Shards that do not finish, whose next owner is leaving, or that drain without this node knowing why.
std::optional<cluster_call> node_machine::overdue_moves(int64_t now_ms) {
  cancel_moves_call out;
  for (const auto& [shard, m] : moves_)
    if (!may_receive(m.to) || (!m.handed && now_ms >= m.begun_ms + options_.hand_over_ms))
      out.moves.push_back(change_of(shard, m.to));
  for (const auto& s : shards_)
    if (s.owner == self_ && s.state == storage::shard_state::draining && moves_.count(s.shard) == 0)
      out.moves.push_back(change_of(s.shard, s.next_owner));
  return out.moves.empty() ? std::nullopt : std::optional<cluster_call>{std::move(out)};
}

std::optional<cluster_call> node_machine::moves_due(int64_t now_ms) {
  auto gives = phase_ == node_phase::active || (phase_ == node_phase::draining && drain_known_);
  if (!gives || now_ms < next_move_ms_ || moves_.size() >= options_.moves_max
      || (phase_ == node_phase::active && !is_quiet(now_ms)))
    return std::nullopt;
  auto able = owners();
  // Count a moving shard at its destination.
  std::vector<storage::cluster_shard> shards{shards_.begin(), shards_.end()};
  for (auto& s : shards)
    if (s.state == storage::shard_state::draining
        && std::binary_search(able.begin(), able.end(), s.next_owner))
      s.owner = s.next_owner;
  begin_moves_call out;
  for (const auto& change : plan_changes(shards, able)) {
    auto link_up = links_.find(change.to);
    if (change.owner == self_ && link_up != links_.end() && link_up->second.up)
      out.moves.push_back(change);
    if (out.moves.size() + moves_.size() >= options_.moves_max)
      break;
  }
  return out.moves.empty() ? std::nullopt : std::optional<cluster_call>{std::move(out)};
}

} // namespace beckon::cluster
