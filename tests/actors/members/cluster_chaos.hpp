#pragma once

#include "cluster_fixture.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace beckon::actors::test {

/// What a run is to find out; all off: the product as it is.
struct chaos_controls {
  bool strips_fences = false;
  bool renames_events = false;
  bool answers_early = false; // durability.claims = 'queued': an answer does not wait for its claim
};

/// One run: nodes that come and go and fail as the seed says, clients, then healing and the reckoning.
class chaos {
 public:
  chaos(sim_cluster& world, chaos_controls controls);

  /// The first thing that went wrong; empty: nothing.
  std::string run();

 private:
  void choose_options();
  void disturb();
  void disturb_node(size_t place);
  void disturb_network();
  void disturb_database();
  void kill_gateway(size_t place);
  void stall_somebody(size_t place);
  void change_catalog();
  void traffic();
  bool is_ready(size_t place) const;
  void ask_something(size_t place);
  storage::event_row make_event();
  void heal();
  void settle();
  void check_owners(const char* when);
  void check_service();
  void check_asks();
  void check_catalogs();
  void check_join_and_stop();
  void check_share(const storage::cluster_picture& before, const storage::cluster_picture& after);
  bool is_over() const { return !world_.book.fault().empty(); }
  std::string any_user() { return "user-" + std::to_string(world_.dice.below(users_)); }

  sim_cluster& world_;
  sim_dice& dice_;
  chaos_controls controls_;
  size_t users_ = 6;
  uint64_t traffic_percent_ = 20;
  bool traffic_on_ = true;
  bool ready_only_ = false; // clients come by a balancer that asks nodes whether they are ready
  bool few_asks_ = false;   // the gateways accept so few at a time that some are refused
  uint64_t last_request_ = 0;
  uint64_t last_event_ = 0;
  uint64_t last_patch_ = 0;
  uint64_t last_change_ = 0;
  std::map<uint64_t, int64_t> last_lost_ms_; // by process: asks sent until then may stay without an answer
  std::vector<std::pair<std::string, std::string>> recent_requests_; // user, request id
  std::vector<storage::event_row> recent_events_;
};

} // namespace beckon::actors::test
