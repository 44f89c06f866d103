#include "decision/decide.hpp"

#include "decision/explain.hpp"
#include "decision/gates.hpp"
#include "decision/hash.hpp"

#include <algorithm>
#include <array>

namespace beckon::decision {

namespace {

using placement_list = std::vector<placement_decision>;

/// The earlier placement that took the popup in this decision, or null.
const std::string* taken_by(const request_view& v, const placement_list& placements, size_t index,
                            const popup& p) {
  for (size_t i = 0; i < index; ++i)
    if (placements[i].popup.get() == &p)
      return &v.request.placements[i];
  return nullptr;
}

void explain(const request_view& v, const popup& p, gate g, const std::string* taken,
             placement_decision& out) {
  std::string_view outdone_by;
  if (taken != nullptr)
    outdone_by = *taken;
  else if (out.popup && out.popup.get() != &p)
    outdone_by = out.popup->id;
  out.candidates.push_back(explain_candidate(v, p, g, outdone_by));
}

void decide_placement(const request_view& v, const std::vector<popup_ptr>& candidates, size_t index,
                      placement_list& placements) {
  auto& out = placements[index];
  for (const auto& p : candidates) {
    const auto* taken = taken_by(v, placements, index, *p);
    auto refused_by = first_refusal(v, *p, taken != nullptr);
    auto why = reason_of(refused_by);
    if (!out.popup && is_stronger(why, out.why)) {
      out.why = why;
      if (why == reason::match) {
        out.popup = p;
        out.variant = p->variants.empty() ? 0 : static_cast<uint32_t>(pick_variant(*p, v.request.user));
      }
    }
    if (v.request.explain)
      explain(v, *p, refused_by, taken, out);
    else if (out.popup || ((v.in_gap || v.held_out) && out.why != reason::no_popup))
      break; // further candidates cannot change the answer
  }
}

/// The state after showing the decided popups.
user_state charged(const request_view& v, const placement_list& placements) {
  auto now_ms = v.known.now_ms;
  auto next = v.state;
  for (const auto& shown : placements) {
    if (!shown.popup)
      continue;
    auto& record = next.touch(shown.popup->id);
    record.shows += record.shows < UINT32_MAX ? 1 : 0;
    record.last_shown_ms =
        std::max(record.last_shown_ms, now_ms); // never back, even if the clock was set back
  }
  if (v.config.min_gap_ms > 0)
    next.next_eligible_ms = now_ms + v.config.min_gap_ms;
  ++next.version;
  return next;
}

/// The first moment from `floor_ms` on at which only audience and trigger, which a later request may match,
/// can keep the popup from this user; never_ms if there is none before `best_ms`.
int64_t comes_back_ms(const popup& p, const user_state& state, std::string_view user, int64_t floor_ms,
                      int64_t best_ms) {
  auto at = std::max({floor_ms, p.from_ms.value_or(0), limits_lift_ms(p.freq, state.find(p.id))});
  if (at >= best_ms || (p.until_ms && at >= *p.until_ms))
    return never_ms;
  if (p.rollout_percent < 100.0 && !in_rollout(p.rollout_salt, user, p.rollout_percent))
    return never_ms;
  return at;
}

std::optional<int64_t> next_eligible(const catalog& c, const request_view& v, const user_state& state) {
  auto now_ms = v.known.now_ms;
  auto floor_ms = std::max(now_ms, state.next_eligible_ms);
  auto best_ms = never_ms;
  for (const auto& placement : v.request.placements) {
    if (v.held_out || best_ms == floor_ms)
      break;
    for (const auto& p : c.at(placement)) {
      best_ms = std::min(best_ms, comes_back_ms(*p, state, v.request.user, floor_ms, best_ms));
      if (best_ms == floor_ms)
        break; // no candidate can return earlier
    }
  }
  auto at = best_ms == never_ms ? state.next_eligible_ms : best_ms;
  return at > now_ms ? std::optional{at} : std::nullopt;
}

} // namespace

std::string_view to_string(reason r) {
  constexpr std::array<std::string_view, reason_count> names = {"MATCH",    "NO_POPUP",    "NO_MATCH",
                                                                "ROLLOUT",  "HOLDOUT",     "CAPPED",
                                                                "COOLDOWN", "QUIET_HOURS", "UNAVAILABLE"};
  return names[static_cast<size_t>(r)];
}

decision decide(const catalog& c, const user_state& state, const attributes* profile,
                const decide_request& request, int64_t now_ms) {
  const auto& config = c.config();
  request_view v{config, state, request, {&request.context, &request.attrs, profile, &state, now_ms}};
  v.held_out = config.holdout_percent > 0.0 && in_rollout("holdout", request.user, config.holdout_percent);
  v.in_gap = now_ms < state.next_eligible_ms;
  decision result;
  result.placements.resize(request.placements.size());
  bool shown = false;
  for (size_t i = 0; i < result.placements.size(); ++i) {
    decide_placement(v, c.at(request.placements[i]), i, result.placements);
    shown = shown || result.placements[i].popup;
  }
  if (!shown) {
    result.next_eligible_ms = next_eligible(c, v, state);
    return result;
  }
  if (request.dry_run) { // nothing is charged, so a decide may return this popup at once
    result.next_eligible_ms = next_eligible(c, v, state);
    return result;
  }
  result.next = charged(v, result.placements);
  result.next_eligible_ms = next_eligible(c, v, result.next);
  result.claims = true;
  return result;
}

} // namespace beckon::decision
