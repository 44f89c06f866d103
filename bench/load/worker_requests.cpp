#include "bench/load/clock.hpp"
#include "bench/load/worker.hpp"
#include "json/json.hpp"

#include <algorithm>

namespace beckon::load {

namespace {

constexpr int64_t back_off_first_ns = 20'000'000;
constexpr int64_t back_off_longest_ns = 500'000'000;
constexpr int64_t retry_after_longest_ns = 5'000'000'000;

} // namespace

void worker::make_available(slot& s, int64_t now_ns) {
  s.free_since_ns = now_ns;
  s.available = true;
  available_.push_back(static_cast<uint32_t>(&s - slots_.data()));
}

worker::slot* worker::take_available() {
  while (!available_.empty()) {
    auto& s = slots_[available_.front()];
    available_.pop_front();
    if (s.available) { // otherwise its connection ended while it stood here
      s.available = false;
      return &s;
    }
  }
  return nullptr;
}

void worker::connect(slot& s, int64_t now_ns) {
  s.deadline_ns = now_ns + options_.timeout_ns;
  switch (s.link.connect()) {
  case connection::result::ok:
    on_connected(s, now_ns);
    break;
  case connection::result::failed:
    on_connect_failed(s, now_ns);
    break;
  case connection::result::pending:
    break;
  }
}

void worker::on_connected(slot& s, int64_t now_ns) {
  ++figures_.connects;
  if (mix_.keep_alive)
    make_available(s, now_ns);
  else
    dispatch(s, now_ns);
}

void worker::on_connect_failed(slot& s, int64_t now_ns) {
  ++figures_.connect_failures;
  s.link.close();
  back_off(s, now_ns);
  if (mix_.keep_alive)
    return;
  --in_flight_; // it was due, and there was nobody to send it to
  ++figures_.not_sent;
  ++window_.faults;
}

void worker::back_off(slot& s, int64_t now_ns) {
  s.back_off_ns = std::clamp(s.back_off_ns * 2, back_off_first_ns, back_off_longest_ns);
  auto spread = static_cast<int64_t>(jitter_.below(static_cast<uint64_t>(s.back_off_ns / 2)));
  s.retry_at_ns = now_ns + s.back_off_ns - spread;
}

void worker::begin(slot& s, int64_t due_ns, int64_t now_ns) {
  s.due_ns = due_ns;
  if (!options_.closed_loop)
    figures_.lag.add(now_ns - std::max(due_ns, s.free_since_ns));
  ++in_flight_;
  if (mix_.keep_alive)
    dispatch(s, now_ns);
  else
    connect(s, now_ns);
}

void worker::dispatch(slot& s, int64_t now_ns) {
  auto at_us = unix_us();
  s.request = maker_.next(now_ns, at_us / 1000);
  s.number = number_++;
  s.deadline_ns = now_ns + options_.timeout_ns;
  const auto& r = s.request;
  if (!ledger_.sent({s.number, r.kind, at_us, r.user, r.placements, r.request_id, r.first, r.count})) {
    figures_.failure = ledger_.problem();
    --in_flight_;
    s.link.close();
    return;
  }
  std::string bytes;
  bytes.reserve(r.body.size() + 160);
  append_post(bytes, r.path(), s.link.node().host, mix_.keep_alive, r.body);
  if (s.link.send(std::move(bytes)) == connection::result::failed)
    on_lost(s, fault::lost, now_ns);
}

void worker::on_receive(slot& s, int64_t now_ns) {
  bool busy = s.link.now() == connection::state::busy;
  switch (s.link.receive()) {
  case connection::result::ok:
    on_answer(s, now_ns);
    break;
  case connection::result::failed:
    if (busy) {
      on_lost(s, fault::lost, now_ns);
    } else { // the node closed an idle connection, which it may
      s.available = false;
      s.link.close();
      back_off(s, now_ns);
    }
    break;
  case connection::result::pending:
    break;
  }
}

void worker::on_answer(slot& s, int64_t now_ns) {
  const auto& answer = s.link.answer();
  ledger_outcome outcome;
  outcome.number = s.number;
  outcome.at_us = unix_us();
  outcome.status = answer.status();
  ++figures_.statuses[answer.status()];
  --in_flight_;
  s.back_off_ns = 0;
  bool is_events = s.request.count > 0;
  if (answer.status() == (is_events ? 202 : 200)) {
    if (is_events)
      take_events(s, outcome, now_ns);
    else
      take_decide(s, outcome, now_ns);
  } else if (answer.status() >= 500) {
    failed(s, fault::refused_5xx, {});
    auto wait_ns = static_cast<int64_t>(answer.retry_after_s()) * 1'000'000'000;
    send_again(s, now_ns, std::min(wait_ns, retry_after_longest_ns));
  } else {
    bool refused = answer.status() >= 400;
    failed(s, refused ? fault::refused_4xx : fault::wrong, answer.body());
    if (!refused)
      outcome.lost = "an unexpected status";
  }
  write(outcome);
  s.link.next();
  if (!mix_.keep_alive) {
    s.link.close();
    make_available(s, now_ns);
  } else if (s.link.now() == connection::state::idle) {
    make_available(s, now_ns);
  } else {
    connect(s, now_ns);
  }
}

void worker::take_decide(slot& s, ledger_outcome& outcome, int64_t now_ns) {
  const auto& body = s.link.answer().body();
  outcome.decide = read_decide(body, s.request.user, s.request.placements, outcome.lost);
  if (!outcome.decide) {
    failed(s, fault::wrong, outcome.lost + ": " + body);
    return;
  }
  outcome.digest = digest_of(body);
  figures_.shows += outcome.decide->shown.size();
  maker_.showed(s.request, *outcome.decide);
  if (outcome.decide->unavailable)
    failed(s, fault::unavailable, {});
  else
    answered(s, now_ns);
}

void worker::take_events(slot& s, ledger_outcome& outcome, int64_t now_ns) {
  const auto& body = s.link.answer().body();
  outcome.events = read_events(body, s.request.count, outcome.lost);
  if (!outcome.events) {
    failed(s, fault::wrong, outcome.lost + ": " + body);
    return;
  }
  figures_.events_accepted += outcome.events->accepted;
  figures_.events_duplicate += outcome.events->duplicates;
  figures_.events_rejected += outcome.events->rejected.size();
  if (!outcome.events->rejected.empty())
    figures_.add_sample("events rejected: " + json::clipped(body, 300));
  answered(s, now_ns);
}

void worker::answered(slot& s, int64_t now_ns) {
  auto& k = figures_.kinds[static_cast<size_t>(s.request.kind)];
  ++k.answered;
  k.latency.add(now_ns - s.due_ns);
  ++window_.answered;
  figures_.last_answer_ns = now_ns - options_.times.start_ns;
  window_.latency.add(now_ns - s.due_ns);
}

void worker::failed(slot& s, fault why, const std::string& sample) {
  ++figures_.kinds[static_cast<size_t>(s.request.kind)].faults[static_cast<size_t>(why)];
  ++window_.faults;
  if (!sample.empty())
    figures_.add_sample(std::string{to_string(s.request.kind)} + ": " + json::clipped(sample, 300));
}

void worker::on_lost(slot& s, fault why, int64_t now_ns) {
  ledger_outcome outcome;
  outcome.number = s.number;
  outcome.at_us = unix_us();
  outcome.lost = why == fault::timed_out ? std::string{"no answer within the time-out"} : s.link.problem();
  write(outcome);
  --in_flight_;
  // What is no HTTP at all is a defect of the node; an end of the connection is what faults look like.
  const auto& answer = s.link.answer();
  bool malformed = why == fault::lost && answer.begun() && answer.problem() != answer_parser::cut;
  failed(s, malformed && !answer.problem().empty() ? fault::wrong : why, malformed ? answer.problem() : "");
  s.link.close();
  send_again(s, now_ns, 0);
  if (mix_.keep_alive)
    back_off(s, now_ns);
  else
    make_available(s, now_ns);
}

void worker::send_again(slot& s, int64_t now_ns, int64_t wait_ns) {
  if (s.request.count == 0)
    return;
  if (!options_.resend || !maker_.again(std::move(s.request), now_ns, wait_ns))
    ++figures_.given_up;
}

void worker::write(const ledger_outcome& outcome) {
  if (!ledger_.answered(outcome) && figures_.failure.empty())
    figures_.failure = ledger_.problem();
}

} // namespace beckon::load
