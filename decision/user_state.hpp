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

/// A request id under which a claim was made: its hash (user_hash of the id) and when.
struct recent_request {
  uint64_t hash = 0;
  int64_t at_ms = 0;
};

constexpr int64_t request_id_keep_ms = 86'400'000;
constexpr size_t recent_requests_max = 64;
/// Events make no record beyond this many popups of one user (a claim still does: its limits must hold).
constexpr size_t popup_records_max = 512;

/// Everything that limits what a user may see next. Small: a user with 20 popups seen encodes to under 1 KiB.
struct user_state {
  uint64_t version = 0;                 // grows by one with each change; 0: never stored
  int64_t next_eligible_ms = 0;         // no popup at all before this; 0: none
  std::vector<popup_record> popups;     // sorted by popup id
  std::vector<recent_request> requests; // oldest first, at most recent_requests_max
  /// Request ids up to this moment may have been dropped from `requests` although younger than
  /// request_id_keep_ms: until then + request_id_keep_ms an id not found in `requests` must be looked up in
  /// the store.
  int64_t requests_dropped_ms = 0;

  const popup_record* find(std::string_view popup) const;
  popup_record& touch(std::string_view popup); // inserts when absent

  enum class request_id_answer : uint8_t { fresh, ask_store };
  /// Whether a request id is certainly new, or the store must be asked (it was seen, or may have been).
  request_id_answer check_request(std::string_view request_id, int64_t now_ms) const;
  /// Remembers the id, drops those older than request_id_keep_ms, and keeps the bound. Leaves `version` to
  /// the claim that goes with it.
  void remember_request(std::string_view request_id, int64_t now_ms);
};

/// Applies what an event says about its popup: click, dismiss and convert move their time forward
/// (never back, never beyond `now_ms`); others change nothing. True when something changed (version + 1).
/// Does not ask whether the popup exists: the caller does, so that made-up ids do not fill the state.
bool apply_event(user_state& s, event_type type, std::string_view popup, int64_t at_ms, int64_t now_ms);

/// Compact binary form: a format number, then varints. Every earlier format stays readable.
std::string encode(const user_state& s);
/// Empty when the bytes are no state of a known format (truncated, trailing bytes, unsorted).
std::optional<user_state> decode_user_state(std::string_view bytes);

} // namespace beckon::decision
