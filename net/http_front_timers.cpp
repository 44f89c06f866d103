#include "base/clock.hpp"
#include "net/http_front.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

namespace beckon::net {

namespace {

constexpr int64_t never = std::numeric_limits<int64_t>::max();
constexpr int64_t answer_grace_ms = 1000; // time for the actor to answer after expire_atom
constexpr int64_t rate_check_ms = 1000;

bool waits_for_actor(const exchange& e) {
  return e.at <= exchange::stage::expired || (e.at == exchange::stage::flowing && e.due_ms > 0);
}

} // namespace

void http_front::tick() {
  ticking_ = false;
  read_clock();
  refresh_date();
  wheel_.advance(now_ms_, [this](timer_entry& entry) { on_timer(static_cast<connection&>(entry)); });
  expire_orphans();
  if (accept_paused_ && accept_again_ms_ > 0 && now_ms_ >= accept_again_ms_)
    resume_accepting();
  end_turn();
  go_on_draining();
  metrics_.publish();
  if (!waits_for_nothing())
    keep_ticking();
}

/// Nothing waits for a time.
bool http_front::waits_for_nothing() const {
  return connections_.size() == 0 && orphans_.empty() && !accept_paused_ && !draining_;
}

/// Whoever ends the rest calls it, before anything is armed: date and wheel stood still meanwhile.
void http_front::keep_ticking() {
  if (std::exchange(ticking_, true))
    return;
  refresh_date();
  wheel_.advance(now_ms_, [this](timer_entry& entry) { on_timer(static_cast<connection&>(entry)); });
  host_.tick_later();
}

void http_front::refresh_date() {
  const auto now_s = base::unix_ms() / 1000;
  if (now_s == date_s_)
    return;
  date_s_ = now_s;
  date_ = format_http_date(now_s);
}

/// When the connection must be checked again if nothing happens before.
int64_t http_front::due_of(const connection& c) const {
  if (c.lingering)
    return c.linger_until_ms;
  int64_t due = never;
  if (c.unsent_bytes() > 0)
    due = c.progress_ms + options_.write_timeout_ms;
  for (auto* e = c.first; e != nullptr; e = e->next)
    if (waits_for_actor(*e))
      due = std::min(due, e->due_ms);
  if (may_parse(c)) {
    if (c.input == connection::phase::header)
      due = std::min(due, c.input_since_ms + options_.header_timeout_ms);
    else if (c.input == connection::phase::body)
      due = std::min(due, c.input_since_ms + options_.body_timeout_ms);
    else if (c.first == nullptr && c.unsent_bytes() == 0)
      due = std::min(due, c.input_since_ms + options_.idle_timeout_ms);
    if (c.input == connection::phase::body && options_.body_rate_bytes_per_s_min > 0)
      due = std::min(due, now_ms_ + rate_check_ms);
  }
  if (draining_ && at_rest(c))
    due = std::min(due, rest_until_ms(c));
  return due == never ? now_ms_ + options_.idle_timeout_ms : due;
}

/// Move the entry only to an earlier time; one that fires too early is armed again. So a busy connection
/// touches the wheel about once per time-out, not per request.
void http_front::rearm(connection& c) {
  const auto due = due_of(c);
  if (!c.armed() || due < wheel_.due_ms(c) - tick_ms)
    wheel_.arm(c, due);
}

void http_front::on_timer(connection& c) {
  if (c.lingering) {
    if (now_ms_ >= c.linger_until_ms) {
      metrics_.timed_out(http_metrics::timeout::linger);
      c.broken = true;
    }
  } else if (c.unsent_bytes() > 0 && now_ms_ >= c.progress_ms + options_.write_timeout_ms) {
    metrics_.timed_out(http_metrics::timeout::write);
    c.cut = true;
  } else {
    check_deadlines(c);
    check_input_time(c);
  }
  mark(c);
}

void http_front::check_deadlines(connection& c) {
  for (auto* e = c.first; e != nullptr; e = e->next) {
    if (!waits_for_actor(*e) || now_ms_ < e->due_ms)
      continue;
    if (e->at == exchange::stage::working) {
      metrics_.timed_out(http_metrics::timeout::deadline);
      caf::anon_send(e->handler, expire_atom_v);
      e->at = exchange::stage::expired;
      e->due_ms = now_ms_ + answer_grace_ms;
    } else if (e->at == exchange::stage::expired) {
      auto late = make_unavailable("the request took too long; try again");
      late.close = true;
      set_answer(c, *e, std::move(late));
    } else {
      metrics_.timed_out(http_metrics::timeout::stream);
      c.cut = true;
    }
  }
}

void http_front::check_input_time(connection& c) {
  if (!may_parse(c))
    return;
  const auto waited_ms = now_ms_ - c.input_since_ms;
  switch (c.input) {
  case connection::phase::idle:
    if (c.first == nullptr && c.unsent_bytes() == 0 && waited_ms >= options_.idle_timeout_ms) {
      metrics_.timed_out(http_metrics::timeout::idle);
      c.broken = true; // closed silently: there is no request to answer
    }
    break;
  case connection::phase::header:
    if (waited_ms >= options_.header_timeout_ms) {
      metrics_.timed_out(http_metrics::timeout::header);
      refuse_input(c, make_problem(408, "the header of the request did not arrive in time"));
    }
    break;
  case connection::phase::body:
    if (waited_ms >= options_.body_timeout_ms || too_slow(c)) {
      metrics_.timed_out(http_metrics::timeout::body);
      refuse_input(c, make_problem(408, "the body of the request did not arrive in time"));
    }
    break;
  }
}

bool http_front::too_slow(const connection& c) const {
  const auto waited_ms = now_ms_ - c.input_since_ms;
  if (options_.body_rate_bytes_per_s_min <= 0 || waited_ms < rate_check_ms)
    return false;
  const auto bytes = static_cast<int64_t>(c.parser.consumed_bytes() - c.body_from_bytes);
  return bytes * 1000 / waited_ms < options_.body_rate_bytes_per_s_min;
}

/// Requests whose client is gone end by their deadline like any other.
void http_front::expire_orphans() {
  for (auto i = orphans_.begin(); i != orphans_.end();) {
    if (now_ms_ < i->second.due_ms) {
      ++i;
      continue;
    }
    caf::anon_send(i->second.handler, expire_atom_v);
    --metrics_.requests_in_flight;
    metrics_.request_bytes -= i->second.body_bytes;
    i = orphans_.erase(i);
  }
}

} // namespace beckon::net
