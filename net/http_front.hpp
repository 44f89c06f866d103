#pragma once

#include "net/acceptor.hpp"
#include "net/connection_table.hpp"
#include "net/http_broker.hpp"
#include "net/http_metrics.hpp"
#include "net/io_unit.hpp"
#include "net/poller.hpp"
#include "net/router.hpp"
#include "net/timer_wheel.hpp"

#include <caf/actor_system.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace beckon::net {

/// Everything that http_broker does, apart from being an actor: sockets, parsing, order of answers,
/// time-outs, closing.
///
/// Events (readiness, messages, ticks) only record what they bring and mark the connection. end_turn() then
/// settles each marked connection once: read, parse, write the answers that are due, send. So several answers
/// of one turn leave in one send, and connections are destroyed in one place only.
///
/// Runs on: I/O thread. Blocks: no.
class http_front {
 public:
  static constexpr int64_t tick_ms = 100;
  /// While draining, a connection is closed after this time without a request.
  static constexpr int64_t drain_rest_ms = 200;

  /// What the front needs from its actor.
  struct host {
    std::function<http_broker_actor()> self;
    std::function<void()> turn_again; // call end_turn() soon, after other work of the I/O thread
    std::function<void()> tick_later; // call tick() once, in tick_ms
  };

  /// Takes ownership of `listening` in any case. May run on any thread; everything else runs on the I/O
  /// thread. Throws std::invalid_argument for a malformed or repeated route, std::system_error if no
  /// descriptor is left.
  http_front(caf::actor_system& system, caf::io::network::default_multiplexer& loop, int listening,
             http_options options, std::vector<route> table, std::shared_ptr<prometheus::Registry> metrics);
  /// Resets all connections and tells streaming actors to stop.
  ~http_front();
  http_front(const http_front&) = delete;
  http_front& operator=(const http_front&) = delete;

  void start(host h);
  void end_turn();
  /// Where request actors may run on the I/O thread; constant for the life of the front.
  const caf::execution_unit* inline_unit() const { return &inline_unit_; }
  void answer(const exchange_answer_ptr& answer);
  void begin(const exchange_answer_ptr& head, streaming_request_actor producer);
  void piece(exchange_id id, const std::string& bytes);
  void finish(exchange_id id);
  void abort(exchange_id id);
  void tick();
  /// `done` is called once, with the number of requests cut off; perhaps before drain() returns.
  void drain(uint32_t grace_ms, std::function<void(uint64_t)> done);

 private:
  struct orphan { // a request whose connection is gone while its actor still runs
    int64_t due_ms = 0;
    size_t body_bytes = 0;
    request_actor handler;
  };
  struct exchange_hash {
    size_t operator()(const exchange_id& id) const { return id.connection * 31 + id.sequence; }
  };
  struct exchange_equal {
    bool operator()(const exchange_id& a, const exchange_id& b) const {
      return a.connection == b.connection && a.sequence == b.sequence;
    }
  };

  struct poller_stop {
    void operator()(poller* p) const { p->stop(); }
  };

  // http_front.cpp: turns, accepting, closing
  void on_ready();
  void on_socket_event(uint64_t number, uint32_t events);
  void accept_some();
  void admit(acceptor::result& client);
  void pause_accepting(http_metrics::refusal reason);
  void resume_accepting();
  bool refuse_client();
  void mark(connection& c);
  void begin_inline_turn();
  void settle(connection& c);
  bool finished(const connection& c) const;
  void close_gently(connection& c);
  void drop(connection& c, bool reset);
  void abandon_exchanges(connection& c);

  // http_front_drain.cpp
  void begin_drain(uint32_t grace_ms);
  void begin_last_accepts(uint32_t grace_ms);
  void accept_backlog();
  void close_listener();
  bool at_rest(const connection& c) const;
  int64_t rest_until_ms(const connection& c) const;
  void go_on_draining();
  void cut_off_the_rest();
  void end_drain_if_empty();

  // http_front_input.cpp: bytes to requests
  bool wants_input(const connection& c) const;
  void take_input(connection& c);
  void receive(connection& c);
  bool may_parse(const connection& c) const;
  void feed(connection& c, std::string_view bytes);
  void note_phase(connection& c);
  bool count_body(connection& c);
  void uncount_body(connection& c);
  void offer_continue(connection& c);
  void on_request(connection& c, std::unique_ptr<request> r);
  void admit_request(connection& c, exchange& e, std::unique_ptr<request> r);
  void spawn_handlers();
  void spawn_handler_of(std::unique_ptr<request> r);
  spawn_place place_of(const route& to, const request& r);
  void refuse_input(connection& c, response why);
  exchange& add_exchange(connection& c);
  void name_request(exchange& e, const request* r);

  // http_front_output.cpp: answers to bytes
  exchange* find(exchange_id id, connection*& c);
  bool accepts_answer(const exchange* e, exchange_id id);
  void set_answer(connection& c, exchange& e, response what);
  void hold_answer(connection& c, exchange& e, exchange_answer_ptr answer);
  void uncount(exchange& e);
  void release(connection& c, exchange& e);
  void complete(connection& c);
  void write_answers(connection& c);
  bool has_room(const connection& c) const;
  bool wants_output(const connection& c) const;
  bool write_first(connection& c, exchange& e);
  void start_stream(exchange& e, std::vector<char>& out);
  bool keeps_alive(const connection& c, const exchange& e) const;
  std::vector<char>& output(connection& c) { return c.out.empty() ? scratch_ : c.out; }
  void flush(connection& c);
  size_t send_from(connection& c, const std::vector<char>& bytes, size_t from);
  void credit(connection& c);
  int64_t deadline_of(size_t route) const;

  // http_front_timers.cpp
  int64_t due_of(const connection& c) const;
  void rearm(connection& c);
  void on_timer(connection& c);
  void check_input_time(connection& c);
  void check_deadlines(connection& c);
  bool too_slow(const connection& c) const;
  void expire_orphans();
  void refresh_date();
  void keep_ticking();
  bool waits_for_nothing() const;

  void read_clock();

  acceptor acceptor_; // first: owns the descriptor even if later members throw
  caf::actor_system& system_;
  http_options options_;
  std::vector<route> table_;
  router router_;
  http_metrics metrics_;
  std::unique_ptr<poller, poller_stop> poller_;
  host host_;
  io_unit inline_unit_;
  size_t inline_started_ = 0; // in this turn
  uint32_t accept_burst_ = 1;
  bool accept_paused_ = false;
  int64_t accept_again_ms_ = 0; // 0: as soon as a connection closes

  int64_t now_ms_ = 0; // steady clock, read once per turn
  int64_t now_us_ = 0;
  timer_wheel wheel_;
  bool ticking_ = false; // the next tick is on its way
  connection_table connections_;
  std::vector<uint64_t> dirty_;
  std::vector<uint64_t> unfinished_;             // not finished within a turn
  std::vector<std::unique_ptr<request>> parsed_; // their actors start at the end of the turn
  std::vector<std::unique_ptr<exchange>> spare_;
  std::unordered_map<exchange_id, orphan, exchange_hash, exchange_equal> orphans_;
  std::array<char, 16384> input_; // shared by all connections
  std::vector<char> scratch_;     // answers of the connection being settled
  std::string date_;
  int64_t date_s_ = 0;
  std::string id_prefix_;
  uint64_t ids_given_ = 0;

  bool draining_ = false;
  int64_t drain_began_ms_ = 0;
  int64_t drain_due_ms_ = 0;
  int64_t listen_until_ms_ = 0;
  int64_t rest_ms_ = 0;
  uint64_t cut_off_ = 0;
  std::vector<std::function<void(uint64_t)>> drained_;
};

} // namespace beckon::net
