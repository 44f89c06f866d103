#pragma once

#include "decision/decide.hpp"

#include <cstdint>
#include <string_view>

namespace beckon::decision {

/// The checks that can refuse a popup, in order.
enum class gate : uint8_t {
  window,
  trigger,
  holdout,
  min_gap,
  taken, // by an earlier placement of the same request
  stop_after,
  max_shows,
  every,
  after_dismiss,
  after_click,
  audience,
  rollout,
  none, // not refused
};
std::string_view to_string(gate g); // "match" for none

/// Everything that stays the same for all candidates of one request.
struct request_view {
  const settings& config;
  const user_state& state;
  const decide_request& request;
  facts known;
  bool held_out = false;
  bool in_gap = false;
};

/// The first gate that refuses the popup, which is live and placed here.
gate first_refusal(const request_view& v, const popup& p, bool taken);

/// What a refusal by this gate means for the placement, judged by one candidate.
reason reason_of(gate g);

/// Whether `a` says more about a placement than `b`: the strongest reason of all candidates is reported.
bool is_stronger(reason a, reason b);

constexpr int64_t never_ms = INT64_MAX;

/// The first moment at which the popup's own limits allow it again; 0 if they allow it now, never_ms if time
/// does not lift them. `r` may be null.
int64_t limits_lift_ms(const frequency& f, const popup_record* r);

} // namespace beckon::decision
