#pragma once

#include "bench/load/history.hpp"
#include "bench/load/store_view.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// The rules between ledgers and store. Pure: no I/O. A finding is never a guess: if times overlap or an
/// answer is missing, the interpretation in the node's favour counts.
namespace beckon::load {

enum class finding : uint8_t {
  lost,           // an event got 202 and is not in the store
  duplicated,     // an event is in the store twice
  unexpected,     // an event is in the store that was never sent, or was refused with 4xx
  too_early,      // a popup was shown before the time promised by an earlier answer
  limit_broken,   // two showings closer than `every` or `min_gap`, or more than `max_shows`
  undercharged,   // the store counts fewer showings than were answered
  overcharged,    // it counts more than requests can explain
  answer_changed, // a repeated request id got another answer
  wrong_answer,   // an answer is not what the API promises
};
constexpr size_t finding_count = 9;
std::string_view to_string(finding f);

/// Findings by kind, each with its first examples.
class findings {
 public:
  static constexpr size_t examples_max = 10;

  struct row {
    uint64_t count = 0;
    std::vector<std::string> examples;
  };

  void add(finding what, std::string example);
  void clear(finding what) { rows_[static_cast<size_t>(what)] = {}; }
  const row& of(finding what) const { return rows_[static_cast<size_t>(what)]; }
  uint64_t count() const;

 private:
  std::array<row, finding_count> rows_;
};

/// How much was checked.
struct event_counts {
  uint64_t sent = 0;
  uint64_t confirmed = 0;
  uint64_t unknown = 0;        // neither confirmed nor refused by any attempt
  uint64_t unknown_stored = 0; // of these
};

/// lost, duplicated, unexpected (of events that were sent); after history::stored() for every event.
event_counts check_events(const history& h, findings& out);
/// too_early
void check_promises(const history& h, findings& out);
/// limit_broken, for showings under the catalogue as it is now.
void check_limits(const history& h, const catalog_view& catalog, findings& out);
/// undercharged and overcharged, by popup. Charges too many can be seen only with the statistics from before.
void check_totals(const history& h, const std::map<std::string, uint64_t>& shows_now, findings& out);

using user_shows = std::map<uint32_t, std::map<std::string, uint64_t>>; // by name index of the user
/// Showings that were answered, by user and popup.
user_shows answered_shows(const history& h);
/// undercharged and overcharged, for one user.
void check_user(const history& h, uint32_t user, const std::map<std::string, uint64_t>& answered,
                const std::map<std::string, uint64_t>& now, findings& out);
/// answer_changed
void check_repeats(const history& h, findings& out);
/// wrong_answer
void check_answers(const history& h, findings& out);

} // namespace beckon::load
