#include "net/http_front.hpp"

#include "base/clock.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <random>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace beckon::net {

namespace {

constexpr uint64_t listener_key = 0; // no connection has this number
constexpr uint32_t input_events = EPOLLIN | EPOLLRDHUP | EPOLLET;
constexpr uint32_t accept_burst_max = 64;
constexpr int rounds_per_turn = 4; // then other connections have their turn
constexpr int64_t accept_pause_ms = 200;

std::vector<std::string> patterns_of(const std::vector<route>& table) {
  std::vector<std::string> result;
  result.reserve(table.size());
  for (auto& r : table)
    result.push_back(r.key.pattern);
  return result;
}

std::string random_prefix() {
  constexpr char digits[] = "0123456789abcdef";
  std::random_device source;
  std::string result;
  for (int i = 0; i < 12; ++i)
    result += digits[source() & 15];
  return result + '-';
}

http_options bounded(http_options o) {
  o.connections_max = std::clamp(o.connections_max, size_t{1}, connection_table::connections_limit);
  o.pipeline_depth_max = std::max(o.pipeline_depth_max, size_t{1});
  return o;
}

} // namespace

http_front::http_front(caf::actor_system& system, caf::io::network::default_multiplexer& loop, int listening,
                       http_options options, std::vector<route> table,
                       std::shared_ptr<prometheus::Registry> metrics)
    : acceptor_(listening),
      system_(system),
      options_(bounded(std::move(options))),
      table_(std::move(table)),
      metrics_(std::move(metrics), patterns_of(table_)),
      poller_(new poller(loop)),
      inline_unit_(system),
      wheel_(base::steady_us() / 1000, tick_ms),
      id_prefix_(random_prefix()) {
  for (auto& r : table_)
    router_.add(r.key);
  read_clock();
  refresh_date();
  begin_inline_turn();
}

http_front::~http_front() {
  drained_.clear(); // no connection is left to answer
  for (auto number : connections_.numbers())
    drop(*connections_.find(number), true);
  metrics_.publish();
}

void http_front::read_clock() {
  now_us_ = base::steady_us();
  now_ms_ = now_us_ / 1000;
}

void http_front::start(host h) {
  host_ = std::move(h);
  poller_->start([this] { on_ready(); });
  if (!poller_->watch(acceptor_.fd(), listener_key, EPOLLIN))
    throw std::system_error(errno, std::generic_category(), "HTTP front: cannot watch the listening socket");
}

void http_front::on_ready() {
  read_clock();
  const size_t n = poller_->wait();
  for (size_t i = 0; i < n; ++i) {
    auto& event = poller_->event(i);
    if (event.data.u64 != listener_key)
      on_socket_event(event.data.u64, event.events);
    else if (draining_)
      accept_backlog();
    else
      accept_some();
  }
  end_turn();
}

void http_front::on_socket_event(uint64_t number, uint32_t events) {
  auto* c = connections_.find(number);
  if (c == nullptr)
    return; // closed earlier in this turn
  if (events & (EPOLLERR | EPOLLHUP))
    c->broken = true;
  if (events & EPOLLRDHUP)
    c->fin_announced = true;
  if (events & (EPOLLIN | EPOLLRDHUP))
    c->readable = true;
  if (events & EPOLLOUT)
    c->write_blocked = false;
  mark(*c);
}

// -- accepting ----------------------------------------------------------------

void http_front::accept_some() {
  for (uint32_t i = 0; i < accept_burst_; ++i) {
    if (accept_paused_ || !acceptor_.is_open())
      return;
    auto client = acceptor_.accept();
    switch (client.what) {
    case acceptor::outcome::accepted:
      admit(client);
      break;
    case acceptor::outcome::failed:
      break;
    case acceptor::outcome::empty:
      accept_burst_ = std::max(accept_burst_ / 2, 1U);
      return;
    case acceptor::outcome::descriptors:
      refuse_client();
      pause_accepting(http_metrics::refusal::descriptors);
      return;
    case acceptor::outcome::no_memory:
      pause_accepting(http_metrics::refusal::memory);
      return;
    }
  }
  // A full burst: more may wait. One accept4 per client while they come singly.
  accept_burst_ = std::min(accept_burst_ * 2, accept_burst_max);
}

void http_front::admit(acceptor::result& client) {
  keep_ticking();
  auto& c = connections_.open(client.fd, std::move(client.peer), options_.parser);
  c.input_since_ms = now_ms_;
  ++metrics_.connections_opened;
  metrics_.connections = connections_.size();
  if (!poller_->watch(c.fd, c.number, input_events)) {
    drop(c, true);
    pause_accepting(http_metrics::refusal::memory);
    return;
  }
  wheel_.arm(c, due_of(c));
  if (!draining_ && connections_.size() >= options_.connections_max)
    pause_accepting(http_metrics::refusal::connections);
}

void http_front::pause_accepting(http_metrics::refusal reason) {
  keep_ticking();
  metrics_.refused(reason);
  if (draining_)
    return; // the queue is emptied in any case
  accept_paused_ = true;
  // At the bound: continue as soon as a connection closes. Without descriptors or memory: retry after a
  // moment.
  accept_again_ms_ = reason == http_metrics::refusal::connections ? 0 : now_ms_ + accept_pause_ms;
  poller_->change(acceptor_.fd(), listener_key, 0);
}

bool http_front::refuse_client() {
  std::vector<char> text;
  framing frame;
  frame.keep_alive = false;
  write_response(text, make_unavailable("the server has no free descriptor; try again"), frame, date_);
  return acceptor_.refuse({text.data(), text.size()});
}

void http_front::resume_accepting() {
  if (!accept_paused_ || !acceptor_.is_open())
    return;
  accept_paused_ = false;
  accept_again_ms_ = 0;
  poller_->change(acceptor_.fd(), listener_key, EPOLLIN);
}

// -- turns --------------------------------------------------------------------

void http_front::mark(connection& c) {
  if (c.dirty)
    return;
  c.dirty = true;
  dirty_.push_back(c.number);
}

void http_front::end_turn() {
  if (!dirty_.empty())
    read_clock();
  for (size_t i = 0; i < dirty_.size(); ++i) { // grows while it runs
    auto* c = connections_.find(dirty_[i]);
    if (c == nullptr)
      continue;
    c->dirty = false;
    settle(*c);
    if (i + 1 == dirty_.size())
      spawn_handlers(); // may mark again: a request that cannot start is answered
  }
  dirty_.clear();
  begin_inline_turn();
  if (unfinished_.empty())
    return;
  for (auto number : unfinished_)
    if (auto* c = connections_.find(number))
      mark(*c);
  unfinished_.clear();
  host_.turn_again();
}

/// A request takes three runs: its actor asks, the owner answers, its actor answers. The fourth is for owners
/// with more waiting messages than they take in one run.
void http_front::begin_inline_turn() {
  constexpr size_t runs_per_request = 4;
  inline_started_ = 0;
  inline_unit_.reset(
      {options_.inline_requests_max * runs_per_request, std::chrono::microseconds{options_.inline_turn_us}});
}

void http_front::settle(connection& c) {
  // The kernel may hold a request without having reported it; after our FIN it could not be answered.
  if (draining_ && at_rest(c) && !c.no_more_requests)
    c.readable = true;
  int rounds = 0;
  do {
    take_input(c);
    write_answers(c);
    flush(c);
    credit(c);
  } while ((wants_input(c) || wants_output(c)) && ++rounds < rounds_per_turn);
  if (c.cut || c.broken || (c.lingering && c.peer_done)) {
    drop(c, c.cut);
    return;
  }
  if (finished(c)) {
    close_gently(c);
    return;
  }
  if (wants_input(c) || wants_output(c))
    unfinished_.push_back(c.number);
  rearm(c);
}

bool http_front::finished(const connection& c) const {
  if (c.first != nullptr || c.unsent_bytes() > 0 || c.lingering)
    return false;
  if (c.no_more_requests || c.peer_done)
    return true;
  return draining_ && at_rest(c) && !wants_input(c) && now_ms_ >= rest_until_ms(c);
}

// -- closing ------------------------------------------------------------------

void http_front::close_gently(connection& c) {
  // No more input can arrive, so no unread input can turn the close into a reset.
  if (c.peer_done || (c.client_closes && !c.readable && c.pending.empty())) {
    drop(c, false);
    return;
  }
  ::shutdown(c.fd, SHUT_WR);
  // After an answer the client gets time to read; an idle client only has to notice the close.
  const bool rested = draining_ && !c.no_more_requests;
  c.linger_until_ms = now_ms_ + (rested ? std::min(rest_ms_, options_.linger_ms) : options_.linger_ms);
  c.lingering = true;
  c.pending = {};
  uncount_body(c);
  c.parser = request_parser(options_.parser);
  rearm(c);
  if (c.readable)
    mark(c);
}

void http_front::drop(connection& c, bool reset) {
  wheel_.disarm(c);
  abandon_exchanges(c);
  uncount_body(c);
  if (reset) {
    const linger now{1, 0};
    ::setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  }
  ::close(c.fd);
  connections_.close(c.number);
  metrics_.connections = connections_.size();
  if (accept_paused_ && accept_again_ms_ == 0 && connections_.size() < options_.connections_max)
    resume_accepting();
  end_drain_if_empty();
}

/// Their actors continue and count against the node's bound until they end.
void http_front::abandon_exchanges(connection& c) {
  while (auto* e = c.first) {
    if (e->counted && e->handler) {
      orphans_.emplace(exchange_id{c.number, e->sequence},
                       orphan{e->due_ms, e->body_bytes, std::move(e->handler)});
      e->counted = false;
    }
    if (e->producer)
      caf::anon_send(e->producer, abort_atom_v);
    c.first = e->next;
    release(c, *e);
  }
  c.last = nullptr;
  c.in_flight = 0;
}

} // namespace beckon::net
