#pragma once

#include "actors/context/cluster_context.hpp"
#include "actors/context/next_turn.hpp"
#include "actors/context/node_context.hpp"
#include "cluster/node_machine.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace beckon::actors {

/// State of the shard map: carries out what the node_machine says. The gateways are its own: they come and go
/// with the peers, and one that dies is made again with the next look.
struct shard_map_state {
  using self_pointer = shard_map_actor::stateful_pointer<shard_map_state>;

  explicit shard_map_state(self_pointer s) : self(s) {}

  self_pointer self;
  node_context_ptr node;

  void start_turns() { turn_.at(self, now(), now()); }
  void open(node_context_ptr n);
  void answered(const membership_answer& answer);
  void link_changed(storage::incarnation_id peer, bool up);
  caf::typed_response_promise<link_actor> let_in(storage::incarnation_id peer, const link_actor& link);
  void got_through(storage::incarnation_id peer, const link_actor& link);
  void got_nowhere(storage::incarnation_id peer, const std::string& why);
  void hinted(const cluster::route_claim& route);
  void tell_catalog(uint64_t version);
  void look();
  void tell_again(uint16_t shard);
  void membership_lost();
  void handed_over(uint16_t shard, uint64_t epoch);
  void gateway_down(const caf::down_msg& down);
  cluster_status_ptr status() const;
  caf::typed_response_promise<drained_atom> drain();
  caf::typed_response_promise<stop_atom> leave();
  void beat();

  static const char* name;

 private:
  struct peer_entry {
    storage::incarnation_id own = 0; // this node's
    gateway_actor gateway;
    link_actor own_end; // what the peer sends to
    std::string name;
    std::string address;
    bool up = false;
    bool dialing = false;
    int64_t dial_at_ms = 0;
    std::string fault; // of dialing, as it was logged last
    int64_t warned_ms = 0;
  };

  cluster_context& context() const { return *node->cluster; }
  int64_t now() const { return node->cluster->steady_ms(); }
  void settle(const membership_answer& answer);
  void note_failure(const membership_answer& answer);
  void take_time(const storage::cluster_picture& picture, const membership_answer& answer);
  void count(const membership_answer& answer) const;
  void advance();
  void call_next(int64_t present);
  void review_peers();
  void dial_due(int64_t present);
  void give_orders();
  void tell(const node_handles& table, const cluster::shard_order& order);
  void spread_news();
  void publish();
  std::string missing_links() const;
  void finish_waiting();
  bool admit(storage::incarnation_id peer, const link_actor& link,
             caf::typed_response_promise<link_actor>& promise);
  void admit_knocking();
  void log_changes();
  bool waits_to_dial(storage::incarnation_id peer, const peer_entry& p) const;
  int64_t call_given_up_ms() const;
  void wait_for_due(int64_t present);

  std::unique_ptr<cluster::node_machine> machine_;
  membership_ask_ptr calling_; // null: nothing is under way
  int64_t called_ms_ = 0;
  next_turn turn_;
  int64_t looked_ms_ = -1; // when the tables were read last
  std::string fault_;
  bool failing_ = false;
  storage::incarnation_id known_as_ = 0; // whose gateways these are
  std::map<storage::incarnation_id, peer_entry> peers_;
  ownership owners_;
  int64_t best_trip_ms_ = -1; // of the present reckoning of time
  int64_t clock_off_ms_ = 0;
  int64_t clock_warned_ms_ = 0;
  bool regateway_ = false; // a gateway died
  bool reroute_ = false;   // gateways have changed: shards elsewhere are told anew
  uint64_t expulsions_ = 0;
  cluster::node_phase logged_phase_ = cluster::node_phase::out;
  std::map<storage::incarnation_id, storage::node_state> logged_nodes_;
  /// A peer that is not in the picture yet: it joined after the tables were read.
  struct knocking {
    storage::incarnation_id peer = 0;
    link_actor link;
    caf::typed_response_promise<link_actor> promise;
    int64_t since_ms = 0;
  };
  std::vector<knocking> knocking_; // until a look that began after they knocked
  std::vector<caf::typed_response_promise<drained_atom>> draining_;
  std::vector<caf::typed_response_promise<stop_atom>> leaving_;
};

shard_map_actor::behavior_type shard_map(shard_map_state::self_pointer self, node_context_ptr node);

} // namespace beckon::actors
