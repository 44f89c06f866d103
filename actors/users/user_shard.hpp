#pragma once

#include "actors/context/cluster_interfaces.hpp"
#include "actors/context/interfaces.hpp"
#include "actors/context/node_context.hpp"
#include "actors/users/replay_memory.hpp"
#include "actors/users/user_cache.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

/// The room of the users: the shards that own their state, decide, claim and retry claims
/// (user_shard_claim.cpp), the cache in front of the store, and the memory of answers for retries.
namespace beckon::actors {

/// State of one user shard. Each user is in one phase: absent → loading → ready ⇄ asking, writing. A shard
/// does one thing at a time for a user; later asks wait behind it, in order. Every write names the version
/// that it builds on, so if the state has changed in the store (events, another owner), the write is a
/// conflict: reload and decide again. A reload keeps the old state. If it fails the old state stays valid, so
/// users in cooldown are still answered while the store is down.
struct user_shard_state {
  using self_pointer = user_shard_actor::stateful_pointer<user_shard_state>;
  using decide_promise = caf::typed_response_promise<decide_answer_ptr>;
  using user_promise = caf::typed_response_promise<user_answer_ptr>;

  user_shard_state();

  self_pointer self = nullptr;
  node_context_ptr node;
  uint16_t number = 0;
  decision::catalog_ptr catalog;
  user_cache users{0};
  replay_memory replays{0};
  std::unordered_map<uint64_t, std::string> under_way; // token → user
  uint64_t last_token = 0;
  size_t waiting = 0; // waiting asks of all users
  size_t owing = 0;   // users in that phase

  /// An ask that waits for the shard itself, until an order says where it is.
  struct held_ask {
    pending_ask ask;
    int64_t until_ms = 0; // node->now_ms()
  };
  cluster::shard_machine place;
  gateway_actor owner; // if the shard is elsewhere
  std::deque<held_ask> held;
  bool hold_timed = false; // hold_atom is scheduled
  bool handed = false;     // reported that no work is left

  decide_promise decide(decide_ask_ptr ask);
  user_promise serve_user(user_ask_ptr ask);
  void adopt(decision::catalog_ptr c);
  void merge(const storage::changed_user& changed);
  void loaded(const read_result& result);
  void written(const write_result& result);
  void fail_all();
  void retry_owed(const std::string& user);
  void obey(const shard_orders& orders);
  void end_hold();

  static const char* name;

 private:
  user_entry* end_work(uint64_t token);
  void settle_read(const read_result& result);
  void settle_write(const write_result& result);
  storage::fence fence() const { return {place.order().owner, place.order().epoch}; }
  bool is_behind(const ask_way& way) const;
  cluster::shard_machine::admission admission_of(const pending_ask& ask) const;
  bool admits(pending_ask& ask);
  void hold(pending_ask ask);
  void forward(pending_ask& ask);
  void tell_owner(pending_ask& ask);
  void release_held();
  void hold_waiting(user_entry& e);
  void begin_hand_over();
  void finish_hand_over();
  void lose();
  void note_fenced();
  void serve(pending_decide d);
  void serve(pending_user u);

  shard_counters& counters() { return node->metrics->shard(number); }
  user_entry& use(const std::string& user);

  void admit(user_entry& e, pending_ask ask);
  bool outdated(const user_entry& e, const pending_ask& ask) const;
  bool wait(user_entry& e, pending_ask& ask);
  void run(user_entry& e, pending_ask ask);
  void drain(user_entry& e);
  void settle(user_entry& e);
  void load(user_entry& e);
  void refreshed(user_entry& e);
  void fall_back(user_entry& e);
  static void doubt(user_entry& e);
  static bool adopt_row(user_entry& e, const storage::user_row& row, std::string& fault);

  void run_decide(user_entry& e, pending_decide d);
  void look_up(user_entry& e, pending_decide d);
  void looked_up(user_entry& e, const read_result& result);
  void claim(user_entry& e, pending_decide d, decide_answer_ptr answer);
  void write_claim(user_entry& e, pending_decide d, decide_answer_ptr answer,
                   const decision::user_state& next);
  void claimed(user_entry& e, const write_result& result);
  void owe(user_entry& e, decide_answer_ptr answer, bool at_once);
  void charge_owed(user_entry& e);
  void run_user(user_entry& e, pending_user u);
  void write_profile(user_entry& e, pending_user u);
  void user_written(user_entry& e, const write_result& result);

  void begin(user_entry& e, user_entry::phase p, pending_ask whose);
  void start_write(user_entry& e, storage::write_job job, pending_ask whose);
  void abandon(user_entry& e);
  void give_up(pending_ask& ask, ask_status why);
  void give_up_waiting(user_entry& e, ask_status why);
  void give_up_waiting_users(user_entry& e);
  void reply(pending_decide& d, decide_answer_ptr answer);
  decide_answer_ptr make_answer(const pending_decide& d, ask_status status) const;
};

user_shard_actor::behavior_type user_shard(user_shard_state::self_pointer self, node_context_ptr node,
                                           uint16_t number);

} // namespace beckon::actors
