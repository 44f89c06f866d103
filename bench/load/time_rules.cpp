#include "bench/load/rules.hpp"
#include "json/time_text.hpp"

#include <algorithm>
#include <tuple>

/// The rules about when popups may be shown.
namespace beckon::load {

namespace {

auto place_of(const show& s) {
  return std::tie(s.user, s.placement, s.catalog);
}

auto place_of(const promise& p) {
  return std::tie(p.user, p.placement, p.catalog);
}

void report_early(const history& h, const show& s, int64_t promised_ms, findings& out) {
  out.add(finding::too_early, h.names()[s.user] + " was shown " + h.names()[s.popup] + " at "
                                  + json::format_rfc3339(s.latest_ms) + " and had been told to wait until "
                                  + json::format_rfc3339(promised_ms));
}

/// Shows against the promises that were certainly made before them. Both sorted by place, then by time.
void check_against_promises(const history& h, const std::vector<promise>& promises,
                            const std::vector<show>& shows, findings& out) {
  size_t p = 0;
  int64_t told_ms = 0;
  for (size_t i = 0; i < shows.size(); ++i) {
    const auto& s = shows[i];
    if (i == 0 || place_of(shows[i - 1]) != place_of(s)) {
      told_ms = 0;
      while (p < promises.size() && place_of(promises[p]) < place_of(s))
        ++p;
    }
    for (;
         p < promises.size() && place_of(promises[p]) == place_of(s) && promises[p].latest_ms < s.earliest_ms;
         ++p)
      told_ms = std::max(told_ms, promises[p].next_ms);
    if (told_ms > s.latest_ms)
      report_early(h, s, told_ms, out);
  }
}

/// Shows of which nobody can say which came first, and that break their promises in either order.
void check_overlapping(const history& h, const std::vector<show>& shows, findings& out) {
  for (size_t i = 0; i < shows.size(); ++i) {
    const auto& a = shows[i];
    for (size_t j = i + 1;
         j < shows.size() && place_of(shows[j]) == place_of(a) && shows[j].earliest_ms <= a.latest_ms; ++j) {
      const auto& b = shows[j];
      if (a.next_ms > b.latest_ms && b.next_ms > a.latest_ms)
        report_early(h, b, a.next_ms, out);
    }
  }
}

/// Whether two moments are certainly closer than `gap_ms`, whichever comes first.
bool closer_than(const show& a, const show& b, int64_t gap_ms) {
  return std::max(a.latest_ms, b.latest_ms) - std::min(a.earliest_ms, b.earliest_ms) < gap_ms;
}

void report_gap(const history& h, const show& a, const show& b, const char* what, int64_t gap_ms,
                findings& out) {
  out.add(finding::limit_broken, h.names()[b.user] + " was shown " + h.names()[a.popup] + " and "
                                     + h.names()[b.popup] + " within "
                                     + std::to_string(b.latest_ms - a.earliest_ms) + " ms; " + what + " is "
                                     + json::format_duration(gap_ms));
}

/// `every` and `max_shows`; shows sorted by user, popup, time.
void check_popup_limits(const history& h, const catalog_view& catalog, const std::vector<show>& shows,
                        findings& out) {
  uint64_t count = 0;
  const show* last = nullptr;
  for (const auto& s : shows) {
    auto popup = catalog.popups.find(h.names()[s.popup]);
    if (popup == catalog.popups.end() || popup->second.revision != s.revision)
      continue; // other limits held then
    const auto& limits = popup->second;
    bool same = last && last->user == s.user && last->popup == s.popup;
    count = same ? count + 1 : 1;
    if (same && closer_than(*last, s, limits.every_ms))
      report_gap(h, *last, s, "every", limits.every_ms, out);
    if (limits.max_shows > 0 && count == limits.max_shows + 1)
      out.add(finding::limit_broken, h.names()[s.user] + " was shown " + h.names()[s.popup] + " more than "
                                         + std::to_string(limits.max_shows) + " times, its max_shows");
    last = &s;
  }
}

/// min_gap; shows sorted by user, time.
void check_gap(const history& h, const catalog_view& catalog, const std::vector<show>& shows, findings& out) {
  const show* last = nullptr;
  for (const auto& s : shows) {
    if (s.catalog != catalog.version)
      continue;
    bool other_decision = last && last->user == s.user && last->decision != s.decision;
    if (other_decision && closer_than(*last, s, catalog.min_gap_ms))
      report_gap(h, *last, s, "min_gap", catalog.min_gap_ms, out);
    last = &s;
  }
}

} // namespace

void check_promises(const history& h, findings& out) {
  auto promises = h.promises();
  std::sort(promises.begin(), promises.end(), [](const promise& a, const promise& b) {
    return std::tuple_cat(place_of(a), std::tie(a.latest_ms))
           < std::tuple_cat(place_of(b), std::tie(b.latest_ms));
  });
  auto shows = h.shows();
  std::sort(shows.begin(), shows.end(), [](const show& a, const show& b) {
    return std::tuple_cat(place_of(a), std::tie(a.earliest_ms))
           < std::tuple_cat(place_of(b), std::tie(b.earliest_ms));
  });
  check_against_promises(h, promises, shows, out);
  check_overlapping(h, shows, out);
}

void check_limits(const history& h, const catalog_view& catalog, findings& out) {
  auto shows = h.shows();
  std::sort(shows.begin(), shows.end(), [](const show& a, const show& b) {
    return std::tie(a.user, a.popup, a.earliest_ms) < std::tie(b.user, b.popup, b.earliest_ms);
  });
  check_popup_limits(h, catalog, shows, out);
  if (catalog.min_gap_ms == 0)
    return;
  std::sort(shows.begin(), shows.end(), [](const show& a, const show& b) {
    return std::tie(a.user, a.earliest_ms, a.decision) < std::tie(b.user, b.earliest_ms, b.decision);
  });
  check_gap(h, catalog, shows, out);
}

} // namespace beckon::load
