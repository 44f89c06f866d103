#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::load {

struct shown_popup {
  std::string placement;
  std::string popup;
  uint64_t revision = 0;
  std::string variant; // empty: none
};

/// What a 200 to a decide says.
struct decide_answer {
  std::string decision;
  uint64_t catalog = 0;
  std::optional<int64_t> next_ms; // next_eligible_at
  std::vector<shown_popup> shown;
  bool unavailable = false; // at least one placement was UNAVAILABLE
  bool promises = false;    // next_ms is a promise: a popup is shown or time alone keeps it away
};

/// What a 202 to events says.
struct events_answer {
  uint64_t accepted = 0;
  uint64_t duplicates = 0;
  std::vector<uint64_t> rejected; // indexes into the batch
};

/// Reads a decide's answer and holds it against what was asked. Empty when it is not what the API promises;
/// `problem` then says why.
std::optional<decide_answer> read_decide(std::string_view body, std::string_view user,
                                         const std::vector<std::string>& placements, std::string& problem);

/// The same for a batch of `count` events.
std::optional<events_answer> read_events(std::string_view body, uint64_t count, std::string& problem);

/// A short mark of a whole answer: equal bodies have equal marks (FNV-1a, 64 bits).
uint64_t digest_of(std::string_view body);

} // namespace beckon::load
