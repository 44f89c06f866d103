#include "decision/gates.hpp"

#include "decision/hash.hpp"

#include <algorithm>
#include <array>

namespace beckon::decision {

namespace {

bool is_stopped(const frequency& f, const popup_record& r) {
  return (f.stop_after_click && r.clicked_ms != 0) || (f.stop_after_dismiss && r.dismissed_ms != 0)
         || (f.stop_after_convert && r.converted_ms != 0);
}

bool is_shown_out(const frequency& f, const popup_record& r) {
  return f.max_shows && r.shows >= *f.max_shows;
}

/// The end of a wait that began at `since_ms`; 0 if there is none.
int64_t wait_end_ms(int64_t since_ms, const std::optional<int64_t>& wait_ms) {
  return since_ms != 0 && wait_ms ? since_ms + *wait_ms : 0;
}

gate limit_refusal(const frequency& f, const popup_record& r, int64_t now_ms) {
  // Permanent limits come first, so that a popup refused by one is not announced to return.
  if (is_stopped(f, r))
    return gate::stop_after;
  if (is_shown_out(f, r))
    return gate::max_shows;
  if (now_ms < wait_end_ms(r.last_shown_ms, f.every_ms))
    return gate::every;
  if (now_ms < wait_end_ms(r.dismissed_ms, f.after_dismiss_ms))
    return gate::after_dismiss;
  if (now_ms < wait_end_ms(r.clicked_ms, f.after_click_ms))
    return gate::after_click;
  return gate::none;
}

} // namespace

std::string_view to_string(gate g) {
  constexpr std::array<std::string_view, 13> names = {
      "window", "trigger",       "holdout",     "min_gap",  "taken",   "stop_after", "max_shows",
      "every",  "after_dismiss", "after_click", "audience", "rollout", "match"};
  return names[static_cast<size_t>(g)];
}

gate first_refusal(const request_view& v, const popup& p, bool taken) {
  auto now_ms = v.known.now_ms;
  if ((p.from_ms && now_ms < *p.from_ms) || (p.until_ms && now_ms >= *p.until_ms))
    return gate::window;
  if (!p.trigger_event.empty() && p.trigger_event != v.request.trigger_event)
    return gate::trigger;
  if (v.held_out)
    return gate::holdout;
  if (v.in_gap)
    return gate::min_gap;
  if (taken)
    return gate::taken;
  if (const auto* record = v.state.find(p.id))
    if (auto limit = limit_refusal(p.freq, *record, now_ms); limit != gate::none)
      return limit;
  if (!p.audience.matches(v.known))
    return gate::audience;
  if (p.rollout_percent < 100.0 && !in_rollout(p.rollout_salt, v.request.user, p.rollout_percent))
    return gate::rollout;
  return gate::none;
}

reason reason_of(gate g) {
  switch (g) {
  case gate::window:
  case gate::trigger:
    return reason::no_popup;
  case gate::holdout:
    return reason::holdout;
  case gate::min_gap:
  case gate::every:
  case gate::after_dismiss:
  case gate::after_click:
    return reason::cooldown;
  // A popup taken by another placement of this answer goes there the next time too, so waiting does not bring
  // it here.
  case gate::taken:
  case gate::stop_after:
  case gate::max_shows:
    return reason::capped;
  case gate::audience:
    return reason::no_match;
  case gate::rollout:
    return reason::rollout;
  case gate::none:
    break;
  }
  return reason::match;
}

bool is_stronger(reason a, reason b) {
  auto rank = [](reason r) {
    constexpr std::array order = {reason::no_popup, reason::capped,  reason::no_match, reason::rollout,
                                  reason::cooldown, reason::holdout, reason::match};
    return std::find(order.begin(), order.end(), r) - order.begin();
  };
  return rank(a) > rank(b);
}

int64_t limits_lift_ms(const frequency& f, const popup_record* r) {
  if (r == nullptr)
    return 0;
  if (is_stopped(f, *r) || is_shown_out(f, *r))
    return never_ms;
  return std::max({wait_end_ms(r->last_shown_ms, f.every_ms),
                   wait_end_ms(r->dismissed_ms, f.after_dismiss_ms),
                   wait_end_ms(r->clicked_ms, f.after_click_ms)});
}

} // namespace beckon::decision
