#include "bench/load/rules.hpp"

#include <algorithm>

namespace beckon::load {

namespace {

bool has(uint8_t mark, uint8_t bit) {
  return (mark & bit) != 0;
}

void check_event(const std::string& id, uint8_t m, findings& out) {
  bool stored = has(m, event_mark::stored);
  if (has(m, event_mark::confirmed) && !stored)
    out.add(finding::lost, "event " + id + " got 202 and is not in the store");
  if (has(m, event_mark::stored_twice))
    out.add(finding::duplicated, "event " + id + " is in the store more than once");
  if (stored && has(m, event_mark::refused) && !has(m, event_mark::confirmed) && !has(m, event_mark::unknown))
    out.add(finding::unexpected, "event " + id + " was refused and is in the store");
}

std::string charges(const std::string& whose, uint64_t now, uint64_t answered) {
  return whose + ": the store counts " + std::to_string(now) + " showings, " + std::to_string(answered)
         + " were answered";
}

/// Answered showings of each popup.
std::map<std::string, uint64_t> shows_by_popup(const history& h) {
  std::map<std::string, uint64_t> result;
  for (const auto& s : h.shows())
    ++result[h.names()[s.popup]];
  return result;
}

void check_repeat(const std::string& id, const repeated& r, findings& out) {
  const repeated::reply* shown = nullptr;
  for (const auto& one : r.replies) {
    if (!one.shows)
      continue;
    if (shown && one.digest != shown->digest)
      out.add(finding::answer_changed, "request " + id + " got two different answers with a popup");
    shown = shown && shown->got_us <= one.got_us ? shown : &one;
  }
  for (const auto& one : r.replies)
    // Sent before that answer arrived, it may have been decided first, when nothing was charged yet.
    if (shown && !one.shows && !one.unavailable && one.sent_us > shown->got_us)
      out.add(finding::answer_changed,
              "request " + id + " got an answer with a popup and a later one without");
}

} // namespace

std::string_view to_string(finding f) {
  constexpr std::array<std::string_view, finding_count> names = {
      "lost",         "duplicated",  "unexpected",     "too early",   "limit broken",
      "undercharged", "overcharged", "answer changed", "wrong answer"};
  return names[static_cast<size_t>(f)];
}

void findings::add(finding what, std::string example) {
  auto& r = rows_[static_cast<size_t>(what)];
  ++r.count;
  if (r.examples.size() < examples_max)
    r.examples.push_back(std::move(example));
}

uint64_t findings::count() const {
  uint64_t sum = 0;
  for (const auto& r : rows_)
    sum += r.count;
  return sum;
}

event_counts check_events(const history& h, findings& out) {
  event_counts counts;
  for (const auto& file : h.files()) {
    for (size_t i = 0; i < file.marks.size(); ++i) {
      auto m = file.marks[i];
      bool unknown =
          has(m, event_mark::unknown) && !has(m, event_mark::confirmed) && !has(m, event_mark::refused);
      counts.sent += has(m, event_mark::sent) ? 1 : 0;
      counts.confirmed += has(m, event_mark::confirmed) ? 1 : 0;
      counts.unknown += unknown ? 1 : 0;
      counts.unknown_stored += unknown && has(m, event_mark::stored) ? 1 : 0;
      constexpr auto harmless = event_mark::sent | event_mark::confirmed | event_mark::stored;
      if (m != harmless)
        check_event(file.name + '-' + std::to_string(i), m, out);
    }
  }
  return counts;
}

void check_totals(const history& h, const std::map<std::string, uint64_t>& shows_now, findings& out) {
  auto answered = shows_by_popup(h);
  const auto& before = h.shows_before();
  for (const auto& [popup, total] : shows_now) {
    uint64_t base = 0;
    if (before)
      if (auto found = before->find(popup); found != before->end())
        base = found->second;
    auto now = total - std::min(base, total);
    if (now < answered[popup])
      out.add(finding::undercharged, charges("popup " + popup, now, answered[popup]));
    else if (before && now > answered[popup] + h.uncertain_all())
      out.add(finding::overcharged, charges("popup " + popup, now, answered[popup]) + " and "
                                        + std::to_string(h.uncertain_all()) + " are unknown");
  }
}

user_shows answered_shows(const history& h) {
  user_shows result;
  for (const auto& s : h.shows())
    ++result[s.user][h.names()[s.popup]];
  return result;
}

void check_user(const history& h, uint32_t user, const std::map<std::string, uint64_t>& answered,
                const std::map<std::string, uint64_t>& now, findings& out) {
  auto count = [](const std::map<std::string, uint64_t>& of, const std::string& popup) {
    auto found = of.find(popup);
    return found == of.end() ? uint64_t{0} : found->second;
  };
  for (const auto& [popup, shows] : answered)
    if (count(now, popup) < shows)
      out.add(finding::undercharged, charges(h.names()[user] + ", popup " + popup, count(now, popup), shows));
  for (const auto& [popup, shows] : now) {
    // A popup shown before the runs may have been shown to this user then.
    bool fresh = h.shows_before() && count(*h.shows_before(), popup) == 0;
    if (fresh && shows > count(answered, popup) + h.uncertain(user))
      out.add(finding::overcharged,
              charges(h.names()[user] + ", popup " + popup, shows, count(answered, popup)) + " and "
                  + std::to_string(h.uncertain(user)) + " are unknown");
  }
}

void check_repeats(const history& h, findings& out) {
  for (const auto& [id, r] : h.repeats())
    check_repeat(id, r, out);
}

void check_answers(const history& h, findings& out) {
  for (const auto& wrong : h.wrong())
    out.add(finding::wrong_answer, wrong);
}

} // namespace beckon::load
