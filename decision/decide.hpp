#pragma once

#include "decision/catalog.hpp"
#include "decision/user_state.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The room of the decision, which is pure: no clock, no I/O, no actor. Popups and their audiences are
/// compiled into a catalogue. A user's state records what the user has seen. decide() takes both and the
/// time, and returns what to show, the new state, and why. gates.cpp checks a popup's cap.
namespace beckon::decision {

enum class reason : uint8_t {
  match,
  no_popup, // nothing live at this placement (or no trigger matches)
  no_match, // audience
  rollout,
  holdout,
  capped,   // a limit that time does not lift
  cooldown, // a limit that time lifts
  quiet_hours,
  unavailable, // never from decide(): the claim could not be stored
};
constexpr size_t reason_count = 9;
std::string_view to_string(reason r); // "MATCH", "NO_POPUP", …

struct decide_request {
  std::string user;
  std::vector<std::string> placements; // 1 to 20, distinct
  attributes context;
  attributes attrs; // "attributes" of the request
  std::string trigger_event;
  bool explain = false;
  bool dry_run = false;
};

/// Why one candidate was or was not chosen. `gate` names the first gate that refused it.
struct candidate {
  std::string popup;
  uint64_t revision = 0;
  std::string gate;       // "match", "outranked", "window", "trigger", "holdout", "min_gap", "stop_after",
                          // "max_shows", "every", …
  std::string facts_json; // an object with the facts used, e.g. {"shows":3,"max_shows":3}
};

struct placement_decision {
  popup_ptr popup;      // null unless reason is match
  uint32_t variant = 0; // index into popup->variants when it has any
  decision::reason why = reason::no_popup;
  std::vector<candidate> candidates; // only with explain
};

struct decision {
  std::vector<placement_decision> placements; // as in the request, same order
  /// Before this moment no decide for these placements can return a popup to this user, unless the catalogue
  /// changes. Empty if one may be returned at once, or if no moment is known (time would bring no candidate
  /// back).
  std::optional<int64_t> next_eligible_ms;
  bool claims = false; // at least one popup is shown and must be charged: write `next` before answering
  user_state next;     // meaningful only with `claims`; version + 1. Never with dry_run.
};

/// The whole decision, pure: no I/O, no clock, no lock. Gates in order: live/window/placement/trigger,
/// holdout, the user's gap, the popup's own limits, audience, rollout, priority, variant. Cost grows with the
/// candidates at the placements, not with the catalogue. Times in `state` that lie ahead of `now_ms` (the
/// clock was set back) are used unchanged, so nothing is shown too early.
decision decide(const catalog& c, const user_state& state, const attributes* profile,
                const decide_request& request, int64_t now_ms);

} // namespace beckon::decision
