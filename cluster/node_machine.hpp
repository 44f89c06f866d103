#pragma once

#include "cluster/shard_machine.hpp"
#include "decision/hash.hpp"
#include "storage/cluster_store.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

/// The room of the cluster's rules as pure machines: when a node joins, renews its lease, takes over a shard
/// (node_machine.cpp) or hands one over; which node gets which shard; and the bytes between nodes. No clock,
/// no I/O, no actor.
namespace beckon::cluster {

using storage::incarnation_id;

/// Times in milliseconds; all but pace_ms come from keys of [cluster], where their defaults stand.
struct machine_options {
  int64_t heartbeat_ms = 0;
  int64_t lease_ms = 0;
  int64_t own_lease_ms = 0;     // the node's own deadline, from the moment of sending
  int64_t retry_ms = 0;         // after a call that failed
  int64_t suspect_after_ms = 0; // a peer without a link for longer is suspected
  int64_t silent_ms = 0;        // a suspected peer that has not renewed its lease for longer is given up
  int64_t hand_over_ms = 0;     // a shard that is not finished by then stays
  int64_t pace_ms = 100;        // between two looks, and two attempts to move shards
  size_t moves_max = 0;         // shards that move at once in the whole cluster
};

/// Calls to the cluster's tables. One at a time.
struct join_call {};
struct beat_call {
  std::vector<incarnation_id> suspects;
};
struct activate_call {};
struct drain_call {};
struct leave_call {};
struct bury_call {
  std::vector<incarnation_id> nodes;
};
struct begin_moves_call {
  std::vector<storage::shard_change> moves;
};
struct assign_call {
  std::vector<storage::shard_change> changes;
};
struct cancel_moves_call {
  std::vector<storage::shard_change> moves;
};
using cluster_call = std::variant<join_call, beat_call, activate_call, drain_call, leave_call, bury_call,
                                  begin_moves_call, assign_call, cancel_moves_call>;

enum class node_phase : uint8_t {
  out,      // not a member; joins
  joining,  // connects to all others
  active,   //
  draining, // gives its shards away
  left,     // for good
};

const char* to_string(node_phase p);

/// One node's part in the cluster: renews its lease, takes over from dead nodes, gives away what others
/// should own. Pure: it is told what happened and when (steady milliseconds), and returns the next step: one
/// call to the tables at a time, and orders for the shards. Not threadsafe.
class node_machine {
 public:
  explicit node_machine(machine_options o);

  // -- what happened -------------------------------------------------------------------------------
  void joined(incarnation_id self, int64_t sent_ms);
  void beaten(const storage::cluster_picture& picture, int64_t sent_ms, int64_t now_ms);
  void activated(bool done);
  void drain_noted(bool done);
  void has_left();
  void buried(const std::vector<incarnation_id>& nodes);
  void moves_begun(const std::vector<storage::cluster_shard>& rows, int64_t now_ms);
  void assigned(const std::vector<storage::cluster_shard>& rows, int64_t sent_ms);
  void moves_cancelled();
  /// The running call failed, or its outcome is unknown.
  void failed(int64_t now_ms);

  /// The link to a peer came up or went down.
  void link_changed(incarnation_id peer, bool up, int64_t now_ms);
  /// A peer says who owns a shard. Trusted until the next picture: the fence makes a lie harmless.
  void hinted(uint16_t shard, incarnation_id owner, uint64_t epoch, int64_t now_ms);
  /// The tables may have changed.
  void look_soon();
  /// A shard has finished after an order to hand over.
  void handed_over(uint16_t shard, uint64_t epoch);
  /// Starts to give everything away.
  void drain();
  /// Nothing needs the membership any more; a draining node may now leave.
  void allow_leaving() { may_leave_ = true; }

  // -- what to do ----------------------------------------------------------------------------------
  /// The next call; none while one is running or nothing is due.
  std::optional<cluster_call> next_call(int64_t now_ms);
  /// When next_call may have something that it did not have at `now_ms`, if nothing happens before; the
  /// largest number while it waits for something to happen. To be asked after next_call gave none.
  int64_t due_ms(int64_t now_ms) const;
  /// What has changed for the shards since the last time.
  std::vector<shard_order> take_orders();
  /// The shard's last order.
  const shard_order& present_order(uint16_t shard) const { return ordered_[shard]; }
  /// Owner changes made by this node since the last call, to be sent to the others.
  std::vector<storage::cluster_shard> take_news();

  // -- what is known -------------------------------------------------------------------------------
  node_phase phase() const { return phase_; }
  incarnation_id self() const { return self_; }
  /// How long this node may claim, by its own steady clock.
  int64_t lease_until_ms() const { return lease_until_ms_; }
  const std::optional<storage::cluster_picture>& picture() const { return picture_; }
  /// Living nodes except this one.
  std::vector<incarnation_id> peers() const;
  /// Peers that must be reached before this node becomes active, and are not.
  std::vector<incarnation_id> missing_links() const;
  const storage::cluster_shard& shard(uint16_t number) const { return shards_[number]; }
  size_t shards_owned() const;
  size_t shards_without_owner() const;
  size_t moves() const { return moves_.size(); }
  /// Draining, and nothing is left to give away, or nobody could take it.
  bool is_drained() const;
  /// How often it was declared dead while alive.
  uint64_t expulsions() const { return expulsions_; }

 private:
  struct move {
    incarnation_id to = 0;
    uint64_t epoch = 0;
    int64_t begun_ms = 0;
    bool handed = false;
  };
  struct link {
    bool up = false;
    int64_t since_ms = 0;
  };

  void expelled();
  void adopt(const storage::cluster_picture& picture, int64_t sent_ms);
  void review_moves();
  void note_peers(int64_t now_ms);
  void adopt_row(const storage::cluster_shard& row);
  const storage::cluster_node* find(incarnation_id node) const;
  bool is_living(incarnation_id node) const;
  bool may_receive(incarnation_id node) const;
  bool is_silent(const storage::cluster_node& n) const;
  bool is_orphan(const storage::cluster_shard& s) const;
  std::vector<incarnation_id> owners() const;
  std::vector<incarnation_id> suspects(int64_t now_ms) const;
  bool is_quiet(int64_t now_ms) const;
  shard_order desired(uint16_t number) const;

  std::optional<cluster_call> urgent_call(int64_t now_ms);
  std::optional<cluster_call> bury_due(int64_t now_ms);
  std::optional<cluster_call> assign_due(int64_t now_ms);
  int64_t orphans_pause_ms() const;
  std::optional<cluster_call> overdue_moves(int64_t now_ms);
  std::optional<cluster_call> moves_due(int64_t now_ms);
  storage::shard_change change_of(uint16_t shard, incarnation_id to) const;

  const machine_options options_;
  node_phase phase_ = node_phase::out;
  incarnation_id self_ = 0;
  int64_t lease_until_ms_ = 0;
  int64_t contact_since_ms_ = 0; // start of the current gapless lease
  int64_t next_beat_ms_ = 0;
  int64_t last_beat_ms_ = 0;
  int64_t next_move_ms_ = 0;
  int64_t retry_at_ms_ = 0;
  int64_t orphans_since_ms_ = -1;
  bool calling_ = false;
  bool look_soon_ = false;
  bool drain_wanted_ = false;
  bool drain_known_ = false; // the tables show this node as draining
  bool may_leave_ = false;
  bool fresh_ = false; // the last call brought the picture
  uint64_t expulsions_ = 0;
  std::optional<storage::cluster_picture> picture_;
  std::array<storage::cluster_shard, decision::shard_count> shards_;
  std::array<int64_t, decision::shard_count> hinted_ms_{};
  std::array<shard_order, decision::shard_count> ordered_;
  std::map<uint16_t, move> moves_;
  std::map<incarnation_id, link> links_;
  std::vector<incarnation_id> told_suspects_;
  std::vector<storage::cluster_shard> news_;
};

} // namespace beckon::cluster
