#pragma once

#include "bench/load/answer_check.hpp"
#include "bench/load/mix.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// The lines of a ledger. docs/load.md describes the form on disk.
namespace beckon::load {

/// The first line of a file: its run and thread.
struct ledger_begin {
  std::string run; // unique among all runs: its events and request ids begin with it
  uint64_t thread = 0;
  int64_t at_us = 0; // Unix microseconds, as all times here
  uint64_t seed = 0;
  /// Showings counted by the statistics before the run; empty if no node answered.
  std::optional<std::map<std::string, uint64_t>> shows_before;
};

/// Written before the first byte of a request leaves.
struct ledger_intent {
  uint64_t number = 0; // unique in its file
  load::kind kind = load::kind::decide;
  int64_t at_us = 0;
  std::string user;                    // decides
  std::vector<std::string> placements; // decides
  std::string request_id;              // decides; empty: none
  uint64_t first = 0;                  // events: the number in the first id
  uint64_t count = 0;                  // events: how many, with consecutive numbers
};

/// Written when an answer has arrived, or none can arrive any more.
struct ledger_outcome {
  uint64_t number = 0; // of the intent
  int64_t at_us = 0;
  int status = 0;   // 0: no answer, or an unreadable one; the outcome is unknown
  std::string lost; // with status 0: why
  uint64_t digest = 0;
  std::optional<decide_answer> decide; // 200 to a decide
  std::optional<events_answer> events; // 202 to events
};

/// The id of an event, and the name of a file without its ending.
inline std::string ledger_name(const std::string& run, uint64_t thread) {
  return run + '-' + std::to_string(thread);
}

} // namespace beckon::load
