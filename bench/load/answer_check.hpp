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

/// A decide's 200.
struct decide_answer {
  std::string decision;
  uint64_t catalog = 0;
  std::optional<int64_t> next_ms; // next_eligible_at
  std::vector<shown_popup> shown;
  bool unavailable = false; // at least one placement was UNAVAILABLE
  bool promises = false;    // next_ms is a promise: a popup is shown, or only time prevents one
};

/// A 202 to events.
struct events_answer {
  uint64_t accepted = 0;
  uint64_t duplicates = 0;
  std::vector<uint64_t> rejected; // indexes into the batch
};

/// Reads a decide's answer and checks it against the request. Empty if it breaks the API's promises;
/// `problem` then gives the reason.
std::optional<decide_answer> read_decide(std::string_view body, std::string_view user,
                                         const std::vector<std::string>& placements, std::string& problem);

/// The same for a batch of `count` events.
std::optional<events_answer> read_events(std::string_view body, uint64_t count, std::string& problem);

/// A digest of a whole answer: equal bodies have equal digests (FNV-1a, 64 bits).
uint64_t digest_of(std::string_view body);

} // namespace beckon::load
