#pragma once

#include "decision/hash.hpp"
#include "decision/user_state.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// Jobs as the tests of the stores write them, and what every test asks of a session.
namespace beckon::storage::test {

constexpr int64_t noon_ms = 1'780'000'000'000;

inline std::string state_bytes(uint64_t version, const std::string& popup = "welcome") {
  decision::user_state s;
  s.version = version;
  auto& p = s.touch(popup);
  p.shows = static_cast<uint32_t>(version);
  p.last_shown_ms = noon_ms;
  return decision::encode(s);
}

/// The write that moves a user from one version to the next, showing "welcome" in variant "a".
inline claim_write claim(const std::string& user, uint64_t expected_version) {
  claim_write c;
  c.shard = static_cast<uint16_t>(decision::shard_of(user));
  c.user = user;
  c.expected_version = expected_version;
  c.version = expected_version + 1;
  c.next_eligible_ms = noon_ms + 60'000;
  c.state = state_bytes(c.version);
  c.shown = {{"welcome", "a"}};
  return c;
}

inline claim_write claim_with_answer(const std::string& user, uint64_t expected_version,
                                     stored_answer answer) {
  auto c = claim(user, expected_version);
  c.answer = std::move(answer);
  return c;
}

inline event_row event(const std::string& id, decision::event_type type, const std::string& user = "ann") {
  event_row e;
  e.id = id;
  e.type = type;
  e.user = user;
  e.popup = "welcome";
  e.variant = "a";
  e.decision_id = "d-1";
  e.at_ms = noon_ms;
  e.received_ms = noon_ms + 5;
  e.properties = "{\"screen\":\"home\"}";
  return e;
}

inline event_row impression(const std::string& id, int64_t at_ms, const std::string& user = "ann",
                            const std::string& popup = "welcome") {
  auto e = event(id, decision::event_type::impression, user);
  e.at_ms = at_ms;
  e.popup = popup;
  return e;
}

/// "show a 3/2 click a 1/1 ": kind, variant, total/users, in the order of load_stats.
inline std::string stats_text(session& s, const std::string& popup) {
  auto stats = s.load_stats(popup);
  if (!stats)
    return describe(stats.error());
  std::string out;
  for (const auto& row : *stats)
    out += row.kind + " " + row.variant + " " + std::to_string(row.total) + "/" + std::to_string(row.users)
           + " ";
  return out;
}

/// The ids of all events that pass, page by page of `limit`.
inline std::vector<std::string> event_ids(session& s, const event_filter& filter, uint32_t limit) {
  std::vector<std::string> out;
  event_cursor from;
  for (;;) {
    auto page = s.load_events(filter, from, limit);
    if (!page || page->events.size() > limit)
      return {"failed"};
    for (const auto& e : page->events)
      out.push_back(e.id);
    if (page->last)
      return out;
    from = page->next;
  }
}

} // namespace beckon::storage::test
