#pragma once

#include "decision/popup.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::decision {

/// What one user did with one popup. Times are Unix milliseconds, 0 for never.
struct popup_record {
  std::string popup;
  uint32_t shows = 0;
  int64_t last_shown_ms = 0;
  int64_t clicked_ms = 0;
  int64_t dismissed_ms = 0;
  int64_t converted_ms = 0;
};

/// A request id of an earlier claim: its hash (user_hash of the id) and time.
struct recent_request {
  uint64_t hash = 0;
  int64_t at_ms = 0;
};

constexpr int64_t request_id_keep_ms = 86'400'000;
constexpr size_t recent_requests_max = 64;
/// Events add no record beyond this many popups of a user. (A claim still does, because its limits must
/// hold.)
constexpr size_t popup_records_max = 512;

/// Everything that limits what a user may see next. Small: with 20 popups seen it encodes to under 1 KiB.
struct user_state {
  uint64_t version = 0;                 // grows by one with each change; 0: never stored
  int64_t next_eligible_ms = 0;         // no popup at all before this; 0: none
  std::vector<popup_record> popups;     // sorted by popup id
  std::vector<recent_request> requests; // oldest first, at most recent_requests_max
  /// Request ids up to this moment may have been dropped from `requests` although younger than
  /// request_id_keep_ms. Until then + request_id_keep_ms, look up in the store any id missing from
  /// `requests`.
  int64_t requests_dropped_ms = 0;

  const popup_record* find(std::string_view popup) const;
  popup_record& touch(std::string_view popup); // inserts when absent

  enum class request_id_answer : uint8_t { fresh, ask_store };
  /// Whether a request id is certainly new, or may have been seen, so that the store must be asked.
  request_id_answer check_request(std::string_view request_id, int64_t now_ms) const;
  /// Remembers the id, drops those older than request_id_keep_ms, and keeps the bound. Does not change
  /// `version`; the claim does.
  void remember_request(std::string_view request_id, int64_t now_ms);
};

/// Applies an event to its popup's record: click, dismiss and convert move their time forward (never back,
/// never beyond `now_ms`); other events change nothing. Returns true if something changed (version + 1). The
/// caller checks that the popup exists, so that made-up ids do not fill the state.
bool apply_event(user_state& s, event_type type, std::string_view popup, int64_t at_ms, int64_t now_ms);

/// Compact binary form: a format number, then varints. Every older format stays readable.
std::string encode(const user_state& s);
/// Empty if the bytes are not a state of a known format (truncated, trailing bytes, unsorted).
std::optional<user_state> decode_user_state(std::string_view bytes);

} // namespace beckon::decision
