#pragma once

#include "bench/load/history.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// A made-up ledger: file run-0, one request after the other.
struct told_answer {
  std::string user;
  int64_t sent_ms = 0;
  int64_t got_ms = 0;
  int64_t next_ms = 0; // 0: null
  std::string request_id = {};
  std::string decision = {}; // empty: one of its own
  std::string placement = "home";
  uint64_t catalog = 1;
  bool unavailable = false;
};

struct told {
  explicit told(
      std::optional<std::map<std::string, uint64_t>> shows_before = std::map<std::string, uint64_t>{},
      int64_t clock_error_ms = 0)
      : all(clock_error_ms) {
    all.begin({"run", 0, 1, 1, std::move(shows_before)});
  }

  void shows(const told_answer& a) { answer(a, true); }
  void cools_down(const told_answer& a) { answer(a, false); }

  void decide_without_answer(const std::string& user, int64_t sent_ms, const std::string& request_id) {
    all.sent({number, beckon::load::kind::decide, sent_ms * 1000, user, {"home"}, request_id, 0, 0});
    all.answered({number++, sent_ms * 1000 + 1, 0, "lost", 0, std::nullopt, std::nullopt});
  }

  void events_without_outcome(uint64_t first, uint64_t count) {
    all.sent({number++, beckon::load::kind::events, 1, "", {}, "", first, count});
  }

  void events(uint64_t first, uint64_t count, int status, std::vector<uint64_t> rejected = {}) {
    beckon::load::ledger_outcome outcome{number, 2, status, "", 0, std::nullopt, std::nullopt};
    if (status == 202)
      outcome.events = beckon::load::events_answer{count - rejected.size(), 0, std::move(rejected)};
    events_without_outcome(first, count);
    all.answered(outcome);
  }

  /// Once; more calls do nothing.
  void finish() {
    if (std::exchange(finished, true))
      return;
    all.end(true);
    all.finish();
  }

  beckon::load::history all;
  uint64_t number = 0;
  bool finished = false;

 private:
  void answer(const told_answer& a, bool shown) {
    all.sent(
        {number, beckon::load::kind::decide, a.sent_ms * 1000, a.user, {a.placement}, a.request_id, 0, 0});
    beckon::load::ledger_outcome outcome{number, a.got_ms * 1000, 200, "", 0, beckon::load::decide_answer{},
                                         {}};
    auto& d = *outcome.decide;
    d.decision = a.decision.empty() ? "decision-" + std::to_string(number) : a.decision;
    d.catalog = a.catalog;
    if (a.next_ms > 0)
      d.next_ms = a.next_ms;
    d.unavailable = a.unavailable;
    d.promises = d.next_ms && !a.unavailable;
    if (shown)
      d.shown.push_back({a.placement, "p", 1, ""});
    outcome.digest = beckon::load::digest_of(d.decision);
    all.answered(outcome);
    ++number;
  }
};
