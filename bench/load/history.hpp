#pragma once

#include "bench/load/ledger_reader.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace beckon::load {

/// The outcome of one event as far as the ledger knows, and how often the store has it.
struct event_mark {
  static constexpr uint8_t sent = 1;
  static constexpr uint8_t confirmed = 2; // a 202 took it
  static constexpr uint8_t refused = 4;   // a 4xx, or an entry of "rejected"
  static constexpr uint8_t unknown = 8;   // 5xx, or no answer
  static constexpr uint8_t stored = 16;
  static constexpr uint8_t stored_twice = 32;
};

/// A popup in an answer. The time of the decision is known only to be within [earliest, latest]. A decision
/// id that is a version 7 UUID within that time gives it to the millisecond, or as exactly as the nodes'
/// clocks agree.
struct show {
  uint32_t user = 0; // these three are indexes into the names
  uint32_t popup = 0;
  uint32_t placement = 0;
  uint64_t revision = 0;
  uint64_t catalog = 0;
  uint64_t decision = 0; // digest of the id
  int64_t earliest_ms = 0;
  int64_t latest_ms = 0;
  int64_t next_ms = 0; // next_eligible_at of the answer; 0: none
};

/// An answer's promise that nothing will be shown at a placement before next_ms.
struct promise {
  uint32_t user = 0;
  uint32_t placement = 0;
  uint64_t catalog = 0;
  int64_t latest_ms = 0; // latest possible time of the decision
  int64_t next_ms = 0;
};

/// All answers to one request id.
struct repeated {
  struct reply {
    int64_t sent_us = 0;
    int64_t got_us = 0;
    uint64_t digest = 0;
    bool shows = false;
    bool unavailable = false;
  };
  uint32_t user = 0;
  int64_t first_sent_us = 0;
  uint64_t uncertain = 0; // attempts without an answer that may have charged
  std::vector<reply> replies;
};

/// The ledgers of any number of runs, combined; pure data for the rules. Memory: a byte per event, about 60
/// bytes per showing and promise, about 150 per request id.
class history : public ledger_sink {
 public:
  /// `clock_error_ms`: maximum difference between the compared clocks of nodes and generator.
  explicit history(int64_t clock_error_ms = 0) : clock_error_ms_(clock_error_ms) {}

  void begin(const ledger_begin& begin) override;
  void sent(const ledger_intent& intent) override;
  void answered(const ledger_outcome& outcome) override;
  void end(bool whole) override;
  /// After the last file: requests without an outcome are unknown.
  void finish();

  /// The store has an event with this id. False: no ledger sent one with this id.
  bool stored(std::string_view id);
  /// The store is read again.
  void forget_stored();

  struct event_file {
    std::string name;
    std::vector<uint8_t> marks; // by the number in the id
  };

  const std::vector<event_file>& files() const { return files_; }
  const std::vector<show>& shows() const { return shows_; }
  const std::vector<promise>& promises() const { return promises_; }
  const std::unordered_map<std::string, repeated>& repeats() const { return repeats_; }
  const std::vector<std::string>& names() const { return names_; }
  /// Unanswered decides of a user that may have charged; by name index.
  uint64_t uncertain(uint32_t user) const;
  uint64_t uncertain_all() const { return uncertain_all_; }
  const std::vector<std::string>& wrong() const { return wrong_; } // answers that break the API

  std::optional<uint32_t> find_name(const std::string& name) const;
  uint64_t requests() const { return requests_; }
  uint64_t killed() const { return killed_; } // files whose generator was killed
  int64_t began_us() const { return began_us_; }
  /// Of the earliest run, when it has them.
  const std::optional<std::map<std::string, uint64_t>>& shows_before() const { return shows_before_; }
  const std::string& problem() const { return problem_; } // a ledger that contradicts itself

 private:
  uint32_t name(const std::string& text);
  void mark(const ledger_intent& intent, uint8_t bits);
  void take_events(const ledger_intent& intent, const ledger_outcome& outcome);
  void take_decide(const ledger_intent& intent, const ledger_outcome& outcome);
  void take_shown(const ledger_intent& intent, const ledger_outcome& outcome, int64_t first_sent_us);
  void unknown(const ledger_intent& intent);

  const int64_t clock_error_ms_;
  std::unordered_map<uint64_t, ledger_intent> open_; // of the current file: sent and not answered
  std::unordered_map<std::string, size_t> file_of_;
  std::vector<event_file> files_;
  std::unordered_map<std::string, uint32_t> name_of_;
  std::vector<std::string> names_;
  std::vector<show> shows_;
  std::vector<promise> promises_;
  std::unordered_map<std::string, repeated> repeats_;
  std::unordered_map<uint64_t, size_t>
      show_of_; // user, decision, placement -> show: repetitions are not new showings
  std::unordered_map<uint32_t, uint64_t> uncertain_;
  uint64_t uncertain_all_ = 0;
  std::vector<std::string> wrong_;
  uint64_t requests_ = 0;
  uint64_t killed_ = 0;
  int64_t began_us_ = 0;
  std::optional<std::map<std::string, uint64_t>> shows_before_;
  std::string problem_;
};

/// The milliseconds in a UUID of version 7; empty for any other text.
std::optional<int64_t> uuid_v7_ms(std::string_view text);

} // namespace beckon::load
