#include "cluster/node_machine.hpp"

#include <algorithm>
#include <utility>

// How a node handles news. What it does next: node_machine_calls.cpp.
namespace beckon::cluster {

using storage::cluster_node;
using storage::cluster_picture;
using storage::cluster_shard;
using storage::node_state;

const char* to_string(node_phase p) {
  switch (p) {
  case node_phase::joining:
    return "joining";
  case node_phase::active:
    return "active";
  case node_phase::draining:
    return "draining";
  case node_phase::left:
    return "left";
  default:
    return "out";
  }
}

node_machine::node_machine(machine_options o) : options_(o) {
  for (uint16_t i = 0; i < decision::shard_count; ++i) {
    shards_[i].shard = i;
    shards_[i].known = false;
    ordered_[i] = {i, shard_phase::nobody, 0, 0};
  }
}

// -- calls that have ended --------------------------------------------------------------------------

void node_machine::joined(incarnation_id self, int64_t sent_ms) {
  calling_ = false;
  self_ = self;
  phase_ = node_phase::joining;
  picture_.reset(); // of an earlier incarnation: peers and links count only from the first picture on
  lease_until_ms_ = sent_ms + options_.own_lease_ms;
  contact_since_ms_ = sent_ms;
  look_soon_ = true;
}

void node_machine::beaten(const cluster_picture& picture, int64_t sent_ms, int64_t now_ms) {
  calling_ = false;
  picture_ = picture;
  const auto* me = find(self_);
  if (!me || me->state == node_state::dead) {
    expelled();
    return;
  }
  if (sent_ms > lease_until_ms_)
    contact_since_ms_ = sent_ms;
  lease_until_ms_ = sent_ms + options_.own_lease_ms;
  fresh_ = true;
  if (me->state == node_state::draining) {
    drain_wanted_ = drain_known_ = true;
    phase_ = node_phase::draining;
  } else if (me->state == node_state::active && phase_ == node_phase::joining) {
    phase_ = node_phase::active; // the outcome of activating it was unknown
  }
  adopt(picture, sent_ms);
  review_moves();
  note_peers(now_ms);
}

// The others have raised the epochs, so nothing this node has in hand can be written any more.
void node_machine::expelled() {
  if (self_ != 0)
    ++expulsions_;
  self_ = 0;
  phase_ = node_phase::out;
  lease_until_ms_ = 0;
  contact_since_ms_ = 0;
  drain_known_ = false;
  moves_.clear();
  links_.clear();
  told_suspects_.clear();
}

void node_machine::adopt(const cluster_picture& picture, int64_t sent_ms) {
  for (const auto& row : picture.shards) {
    auto& known = shards_[row.shard];
    // A hint that arrived after the tables were read may be newer than they are.
    if (row.known && (hinted_ms_[row.shard] <= sent_ms || row.epoch >= known.epoch))
      known = row;
  }
}

// Compares the tables with the shards that this node gives away.
void node_machine::review_moves() {
  for (auto i = moves_.begin(); i != moves_.end();) {
    const auto& row = shards_[i->first];
    auto goes_on =
        row.owner == self_ && row.epoch == i->second.epoch && row.state == storage::shard_state::draining;
    i = goes_on ? std::next(i) : moves_.erase(i);
  }
}

void node_machine::note_peers(int64_t now_ms) {
  auto living = peers();
  for (auto peer : living)
    links_.try_emplace(peer, link{false, now_ms});
  for (auto i = links_.begin(); i != links_.end();)
    i = std::binary_search(living.begin(), living.end(), i->first) ? std::next(i) : links_.erase(i);
}

void node_machine::activated(bool done) {
  calling_ = false;
  if (done && phase_ == node_phase::joining)
    phase_ = node_phase::active;
  look_soon_ = true;
}

void node_machine::drain_noted(bool done) {
  calling_ = false;
  drain_known_ = done;
  look_soon_ = true;
}

void node_machine::has_left() {
  calling_ = false;
  phase_ = node_phase::left;
  self_ = 0;
  lease_until_ms_ = 0;
  moves_.clear();
}

void node_machine::buried(const std::vector<incarnation_id>& nodes) {
  calling_ = false;
  for (auto& n : picture_->nodes)
    if (std::find(nodes.begin(), nodes.end(), n.incarnation) != nodes.end())
      n.state = node_state::dead;
  look_soon_ = true;
}

void node_machine::moves_begun(const std::vector<cluster_shard>& rows, int64_t now_ms) {
  calling_ = false;
  for (const auto& row : rows) {
    shards_[row.shard] = row;
    moves_[row.shard] = {row.next_owner, row.epoch, now_ms, false};
  }
  next_move_ms_ = rows.empty() ? now_ms + options_.pace_ms : now_ms;
}

void node_machine::adopt_row(const cluster_shard& row) {
  shards_[row.shard] = row;
  hinted_ms_[row.shard] = 0;
  moves_.erase(row.shard);
}

void node_machine::assigned(const std::vector<cluster_shard>& rows, int64_t sent_ms) {
  calling_ = false;
  for (const auto& row : rows) {
    adopt_row(row);
    news_.push_back(row);
  }
  // Ignore shards that had changed: the tables tell.
  auto left_out = [&](const auto& m) { return m.second.handed && m.second.begun_ms <= sent_ms; };
  look_soon_ = look_soon_ || rows.empty() || std::any_of(moves_.begin(), moves_.end(), left_out);
}

void node_machine::moves_cancelled() {
  calling_ = false;
  look_soon_ = true;
}

void node_machine::failed(int64_t now_ms) {
  calling_ = false;
  look_soon_ = true;
  retry_at_ms_ = now_ms + options_.retry_ms;
}

// -- news -------------------------------------------------------------------------------------------

void node_machine::link_changed(incarnation_id peer, bool up, int64_t now_ms) {
  // After a rejoin a link may be up before the tables were read again.
  auto& known = links_.try_emplace(peer, link{false, now_ms}).first->second;
  if (known.up != up)
    known = {up, now_ms};
}

void node_machine::hinted(uint16_t shard, incarnation_id owner, uint64_t epoch, int64_t now_ms) {
  auto& known = shards_[shard];
  if (self_ == 0 || epoch <= known.epoch || moves_.count(shard) != 0)
    return;
  known = {shard, owner, epoch, storage::shard_state::owned, 0, true};
  hinted_ms_[shard] = now_ms;
  look_soon_ = true;
}

void node_machine::look_soon() {
  look_soon_ = true;
}

void node_machine::handed_over(uint16_t shard, uint64_t epoch) {
  auto i = moves_.find(shard);
  if (i != moves_.end() && i->second.epoch == epoch)
    i->second.handed = true;
}

void node_machine::drain() {
  drain_wanted_ = true;
}

// -- what is known ----------------------------------------------------------------------------------

const cluster_node* node_machine::find(incarnation_id node) const {
  if (!picture_ || node == 0)
    return nullptr;
  for (const auto& n : picture_->nodes)
    if (n.incarnation == node)
      return &n;
  return nullptr;
}

bool node_machine::is_living(incarnation_id node) const {
  const auto* n = find(node);
  return n && n->state != node_state::dead;
}

bool node_machine::is_silent(const cluster_node& n) const {
  return picture_->now_ms - n.heartbeat_ms > options_.silent_ms;
}

/// Skip rows that could not be read. Also skip shards whose owner joined after the nodes were read: shards in
/// other databases are read later than the nodes.
bool node_machine::is_orphan(const cluster_shard& s) const {
  auto newest = picture_->nodes.empty() ? 0 : picture_->nodes.back().incarnation;
  return s.known && s.owner <= newest && !is_living(s.owner);
}

std::vector<incarnation_id> node_machine::peers() const {
  std::vector<incarnation_id> out;
  if (picture_)
    for (const auto& n : picture_->nodes)
      if (n.incarnation != self_ && n.state != node_state::dead)
        out.push_back(n.incarnation);
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<incarnation_id> node_machine::missing_links() const {
  std::vector<incarnation_id> out;
  for (const auto& [peer, l] : links_) {
    const auto* n = find(peer);
    if (!l.up && n && n->state != node_state::draining)
      out.push_back(peer);
  }
  return out;
}

size_t node_machine::shards_owned() const {
  auto mine = [this](const cluster_shard& s) { return self_ != 0 && s.owner == self_; };
  return static_cast<size_t>(std::count_if(shards_.begin(), shards_.end(), mine));
}

size_t node_machine::shards_without_owner() const {
  auto orphan = [this](const cluster_shard& s) { return !is_living(s.owner); };
  return static_cast<size_t>(std::count_if(shards_.begin(), shards_.end(), orphan));
}

bool node_machine::is_drained() const {
  if (phase_ == node_phase::left)
    return true;
  if (phase_ != node_phase::draining || !drain_known_)
    return phase_ == node_phase::out && drain_wanted_;
  return moves_.empty() && (shards_owned() == 0 || owners().empty());
}

/// The nodes that may own shards: a draining node plans without itself.
std::vector<incarnation_id> node_machine::owners() const {
  std::vector<incarnation_id> out;
  if (picture_)
    for (const auto& n : picture_->nodes)
      if (n.state == node_state::active && !(n.incarnation == self_ && drain_wanted_))
        out.push_back(n.incarnation);
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<incarnation_id> node_machine::suspects(int64_t now_ms) const {
  std::vector<incarnation_id> out;
  for (const auto& [peer, l] : links_)
    if (!l.up && now_ms - l.since_ms >= options_.suspect_after_ms)
      out.push_back(peer);
  return out;
}

/// Whether this node sees every living node as well. Shards move only then.
bool node_machine::is_quiet(int64_t now_ms) const {
  auto well = [this](const cluster_node& n) { return n.state == node_state::dead || !is_silent(n); };
  return suspects(now_ms).empty() && std::all_of(picture_->nodes.begin(), picture_->nodes.end(), well);
}

// -- orders -----------------------------------------------------------------------------------------

shard_order node_machine::desired(uint16_t number) const {
  const auto& s = shards_[number];
  if (self_ == 0 || !is_living(s.owner))
    return {number, shard_phase::nobody, 0, s.epoch};
  if (s.owner != self_)
    return {number, shard_phase::elsewhere, s.owner, s.epoch};
  auto phase = moves_.count(number) != 0 ? shard_phase::handing_over : shard_phase::serving;
  return {number, phase, self_, s.epoch};
}

std::vector<shard_order> node_machine::take_orders() {
  std::vector<shard_order> out;
  for (uint16_t i = 0; i < decision::shard_count; ++i) {
    auto wanted = desired(i);
    if (wanted != ordered_[i])
      out.push_back(ordered_[i] = wanted);
  }
  return out;
}

std::vector<cluster_shard> node_machine::take_news() {
  return std::exchange(news_, {});
}

} // namespace beckon::cluster
