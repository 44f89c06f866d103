#pragma once

#include "actors/context/cluster_context.hpp"
#include "actors/context/next_turn.hpp"
#include "actors/context/node_context.hpp"
#include "base/log_limiter.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>

namespace beckon::actors {

/// Returns when everybody asked before it had a turn, so that their answers join the same batch.
using turn_echo_actor = caf::typed_actor<caf::replies_to<flush_atom>::with<flush_atom>>;

/// State of the gateway to one peer. Batches with asks are numbered from 1 on each link. Every batch carries
/// the last number sent and the last one received from the peer. Only a limited number may be unconfirmed;
/// asks gather meanwhile. A batch without frames confirms, and shows that this node is alive.
struct gateway_state {
  using self_pointer = gateway_actor::stateful_pointer<gateway_state>;
  using decide_promise = caf::typed_response_promise<decide_answer_ptr>;
  using user_promise = caf::typed_response_promise<user_answer_ptr>;

  struct asked_decide {
    decide_ask_ptr ask;
    decide_promise promise;
  };
  struct asked_user {
    user_ask_ptr ask;
    user_promise promise;
  };
  using asked = std::variant<asked_decide, asked_user, events_ask_ptr>;

  self_pointer self = nullptr;
  node_context_ptr node;
  storage::incarnation_id own = 0;
  storage::incarnation_id peer = 0;
  std::string peer_name;

  decide_promise decide(decide_ask_ptr ask);
  user_promise serve_user(user_ask_ptr ask);
  void apply(const events_ask_ptr& ask);
  void answer(const decide_answer& a);
  void answer(const user_answer& a);
  void answer(const write_result& result);
  void hint_catalog(uint64_t version);
  void hint_route(const cluster::route_claim& route);
  void open();
  void begin_link();
  void attach(link_actor link);
  void link_down(const caf::down_msg& down);
  void take(const peer_bytes& bytes);
  void flush();
  void retire();
  void beat();

  static const char* name;

  turn_echo_actor echo;

 private:
  cluster_context& context() { return *node->cluster; }
  cluster_metrics& metrics() { return *node->cluster->metrics; }
  int64_t now() const { return node->cluster->steady_ms(); }

  bool has_room() const;
  uint32_t until(int64_t wait_ms) const;
  uint64_t note(asked what, int64_t wait_ms, std::deque<std::pair<int64_t, uint64_t>>& due);
  template <class Frame>
  bool gather_ask(const Frame& f);
  template <class Frame>
  void gather_answer(const Frame& f);
  void note_too_large();
  void ask_for_flush();
  bool send_asks();
  void send_batch(cluster::batch_writer& frames);
  void fail(asked& what);
  void fail_all();
  int64_t next_due(std::deque<std::pair<int64_t, uint64_t>>& due) const;
  void wait_for_due();
  void watch_link();
  void expire(std::deque<std::pair<int64_t, uint64_t>>& due);
  void drop_link(const char* why);
  void set_up(bool is_up, const char* why);

  void handle(cluster::decide_ask_frame& f);
  void handle(cluster::user_ask_frame& f);
  void handle(cluster::events_ask_frame& f);
  void handle(cluster::decide_answer_frame& f);
  void handle(cluster::user_answer_frame& f);
  void handle(cluster::events_answer_frame& f);
  void handle(const cluster::catalog_hint_frame& f);
  void handle(const cluster::route_hint_frame& f);
  void handle(const cluster::look_hint_frame& f);
  void handle(const cluster::unsupported_frame& f);
  bool is_late(uint32_t deadline) const;
  bool is_newer(const cluster::route_claim& route, const ask_way& way, const std::string& user);
  cluster::route_claim route_of(const std::string& user, const moved_to& where) const;

  link_actor link_;
  bool up_ = false;
  bool retired_ = false;
  int64_t retire_at_ms_ = 0;
  caf::actor_addr map_;  // the owner of this gateway
  int64_t heard_ms_ = 0; // time of the last input
  int64_t sent_ms_ = 0;  // time of the last output
  int64_t unacknowledged_since_ms_ = 0;
  uint64_t sent_ = 0;         // the last batch sent
  uint64_t acknowledged_ = 0; // the last one received by the peer
  uint64_t taken_ = 0;        // the last one received from the peer
  bool unconfirmed_ = false;  // the last one received is not confirmed yet
  bool flush_asked_ = false;
  next_turn turn_;
  /// Asks and events, which wait while too many batches of them are on their way: whole batches, and the last
  /// one that is being filled.
  std::deque<cluster::batch_writer> asks_ = std::deque<cluster::batch_writer>(1);
  cluster::batch_writer answers_; // and hints; they never wait
  uint64_t last_id_ = 0;
  std::unordered_map<uint64_t, asked> pending_;
  std::deque<std::pair<int64_t, uint64_t>> asks_due_; // deadline, id
  std::deque<std::pair<int64_t, uint64_t>> events_due_;
  base::log_limiter bad_batches_;
  base::log_limiter unsupported_;
};

template <class Frame>
bool gateway_state::gather_ask(const Frame& f) {
  if (!asks_.back().add(f)) {
    if (asks_.back().empty())
      return false;
    asks_.emplace_back();
    if (!asks_.back().add(f)) {
      asks_.pop_back();
      return false;
    }
  }
  ask_for_flush();
  return true;
}

// A frame that does not fit even an empty batch is lost: the peer's ask times out.
template <class Frame>
void gateway_state::gather_answer(const Frame& f) {
  if (!answers_.add(f)) {
    if (link_)
      send_batch(answers_);
    if (!answers_.add(f))
      note_too_large();
  }
  ask_for_flush();
}

gateway_actor::behavior_type gateway(gateway_state::self_pointer self, node_context_ptr node,
                                     storage::incarnation_id own, storage::incarnation_id peer,
                                     std::string peer_name);

} // namespace beckon::actors
