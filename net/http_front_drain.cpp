#include "net/http_front.hpp"

#include <algorithm>

namespace beckon::net {

namespace {

constexpr int64_t handshake_ms = 50; // time for a handshake that has begun to finish

} // namespace

void http_front::drain(uint32_t grace_ms, std::function<void(uint64_t)> done) {
  read_clock();
  drained_.push_back(std::move(done));
  const int64_t due_ms = now_ms_ + grace_ms;
  drain_due_ms_ = draining_ ? std::min(drain_due_ms_, due_ms) : due_ms;
  if (!draining_)
    begin_drain(grace_ms);
  end_drain_if_empty();
}

void http_front::begin_drain(uint32_t grace_ms) {
  keep_ticking();
  draining_ = true;
  drain_began_ms_ = now_ms_;
  rest_ms_ = std::min<int64_t>(drain_rest_ms, grace_ms);
  begin_last_accepts(grace_ms);
  for (auto number : connections_.numbers())
    mark(*connections_.find(number));
  end_turn();
}

void http_front::begin_last_accepts(uint32_t grace_ms) {
  resume_accepting();
  // A socket that other processes keep open still accepts connections, for them.
  const bool shut_out = options_.inherited_fd >= 0 || acceptor_.shut_out_newcomers();
  accept_backlog();
  if (shut_out && grace_ms > 0)
    listen_until_ms_ = now_ms_ + std::min<int64_t>(handshake_ms, grace_ms);
  else
    close_listener();
}

/// Accepts all waiting connections, even beyond connections_max: the kernel's queue is the bound.
void http_front::accept_backlog() {
  for (int64_t left = int64_t{options_.backlog} + 1; left > 0; --left) {
    if (!acceptor_.is_open() || connections_.size() >= connection_table::connections_limit)
      return;
    auto client = acceptor_.accept();
    switch (client.what) {
    case acceptor::outcome::accepted:
      admit(client);
      break;
    case acceptor::outcome::failed:
      break;
    case acceptor::outcome::descriptors:
      metrics_.refused(http_metrics::refusal::descriptors);
      if (!refuse_client())
        return;
      break;
    case acceptor::outcome::no_memory:
      metrics_.refused(http_metrics::refusal::memory);
      return;
    case acceptor::outcome::empty:
      return;
    }
  }
}

void http_front::close_listener() {
  poller_->unwatch(acceptor_.fd());
  acceptor_.close();
}

/// Idle means: no request, no answer owed.
bool http_front::at_rest(const connection& c) const {
  return c.first == nullptr && c.unsent_bytes() == 0 && c.input == connection::phase::idle
         && c.pending.empty() && !c.lingering;
}

/// A client that has just connected or got an answer may already have sent a request. So wait for it to
/// arrive before sending our FIN.
int64_t http_front::rest_until_ms(const connection& c) const {
  return std::max(c.input_since_ms, drain_began_ms_) + rest_ms_;
}

void http_front::go_on_draining() {
  if (!draining_)
    return;
  if (acceptor_.is_open() && now_ms_ >= std::min(listen_until_ms_, drain_due_ms_)) {
    accept_backlog();
    close_listener();
    end_drain_if_empty();
  }
  if (now_ms_ >= drain_due_ms_)
    cut_off_the_rest();
}

void http_front::cut_off_the_rest() {
  for (auto number : connections_.numbers()) {
    auto& c = *connections_.find(number);
    cut_off_ += c.in_flight;
    if (c.in_flight == 0 && (c.unsent_bytes() > 0 || c.input != connection::phase::idle))
      ++cut_off_;
    drop(c, !c.lingering);
  }
}

void http_front::end_drain_if_empty() {
  if (!draining_ || acceptor_.is_open() || connections_.size() > 0)
    return;
  auto waiting = std::move(drained_);
  drained_.clear();
  for (auto& done : waiting)
    done(cut_off_);
}

} // namespace beckon::net
