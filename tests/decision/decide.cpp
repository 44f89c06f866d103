#define CAF_SUITE decision.decide

#include "decision/hash.hpp"
#include "scenario.hpp"

#include <caf/test/unit_test.hpp>

#include <chrono>

using namespace beckon;
using namespace beckon::decision;
using namespace beckon::decision::scenario;
using result = beckon::decision::decision;

namespace {

/// A user with `in_rollout(salt, user, percent)` equal to `in`.
std::string user_with(std::string_view salt, double percent, bool in) {
  for (int i = 0;; ++i) {
    auto user = "u-" + std::to_string(i);
    if (in_rollout(salt, user, percent) == in)
      return user;
  }
}

user_state seen(const std::string& popup, uint32_t shows, int64_t last_shown_ms, int64_t clicked_ms = 0,
                int64_t dismissed_ms = 0, int64_t converted_ms = 0) {
  user_state s;
  s.version = 7;
  s.touch(popup) = {popup, shows, last_shown_ms, clicked_ms, dismissed_ms, converted_ms};
  return s;
}

std::string at_home(const catalog& c, const user_state& s = {}, const decide_request& r = make_request(),
                    int64_t at_ms = now_ms) {
  return shown(decide(c, s, nullptr, r, at_ms).placements.front());
}

int64_t next_ms(const catalog& c, const user_state& s, int64_t at_ms = now_ms,
                const decide_request& r = make_request()) {
  return decide(c, s, nullptr, r, at_ms).next_eligible_ms.value_or(0);
}

const std::string window_shut = R"("window":{"until":"2026-11-20T10:30:00Z"})";
const std::string window_ahead = R"("window":{"from":"2026-11-20T10:30:01Z"})";

} // namespace

CAF_TEST(a claim is charged) {
  settings s;
  s.min_gap_ms = 30 * minute_ms;
  auto c = make_catalog({make_popup("a"), make_popup("b", "", R"(["cart"])")}, s);
  user_state state;
  state.version = 4;
  state.remember_request("r-0", now_ms - 5);
  auto d = decide(c, state, nullptr, make_request({"cart", "home", "none"}), now_ms);
  CAF_CHECK_EQUAL(shown(d.placements[0]), "b");
  CAF_CHECK_EQUAL(shown(d.placements[1]), "a");
  CAF_CHECK_EQUAL(shown(d.placements[2]), "NO_POPUP");
  CAF_CHECK(d.placements[0].why == reason::match);
  CAF_CHECK(d.claims);
  CAF_CHECK_EQUAL(d.next.version, 5u);
  CAF_CHECK_EQUAL(d.next.next_eligible_ms, now_ms + 30 * minute_ms);
  CAF_CHECK_EQUAL(d.next.find("a")->shows, 1u);
  CAF_CHECK_EQUAL(d.next.find("b")->last_shown_ms, now_ms);
  CAF_CHECK_EQUAL(d.next.requests.size(), 1u);
  CAF_CHECK_EQUAL(d.next_eligible_ms.value_or(0), now_ms + 30 * minute_ms);
}

CAF_TEST(without a gap the next popup may follow at once) {
  auto d = decide(make_catalog({make_popup("a")}), {}, nullptr, make_request(), now_ms);
  CAF_CHECK(d.claims);
  CAF_CHECK_EQUAL(d.next.next_eligible_ms, 0);
  CAF_CHECK(!d.next_eligible_ms);
}

CAF_TEST(a dry run charges nothing and shows the same) {
  settings s;
  s.min_gap_ms = minute_ms;
  auto c = make_catalog({make_popup("a", R"("frequency":{"every":"2m"})")}, s);
  auto r = make_request();
  r.dry_run = true;
  auto d = decide(c, {}, nullptr, r, now_ms);
  CAF_CHECK_EQUAL(shown(d.placements[0]), "a");
  CAF_CHECK(!d.claims);
  CAF_CHECK_EQUAL(d.next.version, 0u);
  CAF_MESSAGE("nothing was charged, so a decide may return it at once");
  CAF_CHECK(!d.next_eligible_ms);
}

CAF_TEST(nothing to show) {
  CAF_CHECK_EQUAL(at_home(make_catalog({})), "NO_POPUP");
  CAF_CHECK_EQUAL(at_home(make_catalog({make_popup("a", window_shut)})), "NO_POPUP");
  CAF_CHECK_EQUAL(at_home(make_catalog({make_popup("a", window_ahead)})), "NO_POPUP");
  CAF_CHECK_EQUAL(at_home(make_catalog({make_popup("a", R"("trigger":{"event":"e"})")})), "NO_POPUP");
  auto d = decide(make_catalog({}), {}, nullptr, make_request(), now_ms);
  CAF_CHECK(!d.claims && !d.next_eligible_ms);
}

CAF_TEST(a window holds its first moment and not its last) {
  auto c = make_catalog(
      {make_popup("a", R"("window":{"from":"2026-11-20T10:30:00Z","until":"2026-11-20T10:31:00Z"})")});
  CAF_CHECK_EQUAL(at_home(c, {}, make_request(), now_ms - 1), "NO_POPUP");
  CAF_CHECK_EQUAL(at_home(c), "a");
  CAF_CHECK_EQUAL(at_home(c, {}, make_request(), now_ms + minute_ms - 1), "a");
  CAF_CHECK_EQUAL(at_home(c, {}, make_request(), now_ms + minute_ms), "NO_POPUP");
}

CAF_TEST(a trigger must fit and none is needed without) {
  auto c = make_catalog({make_popup("a", R"("trigger":{"event":"e"},"priority":1)"), make_popup("b")});
  auto r = make_request();
  CAF_CHECK_EQUAL(at_home(c, {}, r), "b");
  r.trigger_event = "e";
  CAF_CHECK_EQUAL(at_home(c, {}, r), "a");
  r.trigger_event = "f";
  CAF_CHECK_EQUAL(at_home(c, {}, r), "b");
}

CAF_TEST(priority and then the id decide) {
  CAF_CHECK_EQUAL(at_home(make_catalog({make_popup("a"), make_popup("b", R"("priority":1)")})), "b");
  CAF_CHECK_EQUAL(at_home(make_catalog({make_popup("b"), make_popup("a")})), "a");
}

CAF_TEST(holdout) {
  settings s;
  s.holdout_percent = 10.0;
  auto c = make_catalog({make_popup("a")}, s);
  CAF_CHECK_EQUAL(at_home(c, {}, make_request({"home"}, user_with("holdout", 10.0, true))), "HOLDOUT");
  CAF_CHECK_EQUAL(at_home(c, {}, make_request({"home"}, user_with("holdout", 10.0, false))), "a");
  CAF_CHECK_EQUAL(at_home(c, {}, make_request({"x"}, user_with("holdout", 10.0, true))), "NO_POPUP");
  user_state in_gap;
  in_gap.next_eligible_ms = now_ms + 5;
  auto held = make_request({"home"}, user_with("holdout", 10.0, true));
  CAF_CHECK_EQUAL(at_home(c, in_gap, held), "HOLDOUT");
  CAF_CHECK_EQUAL(next_ms(c, in_gap, now_ms, held), now_ms + 5);
  CAF_CHECK_EQUAL(next_ms(c, {}, now_ms, held), 0);
}

CAF_TEST(the gap of the user) {
  auto c = make_catalog({make_popup("a"), make_popup("b", window_shut, R"(["cart"])")});
  user_state s;
  s.next_eligible_ms = now_ms + 1;
  auto d = decide(c, s, nullptr, make_request({"home", "cart"}), now_ms);
  CAF_CHECK_EQUAL(shown(d.placements[0]), "COOLDOWN");
  CAF_CHECK_EQUAL(shown(d.placements[1]), "NO_POPUP");
  CAF_CHECK_EQUAL(d.next_eligible_ms.value_or(0), now_ms + 1);
  CAF_CHECK(!d.claims);
  CAF_CHECK_EQUAL(at_home(c, s, make_request(), now_ms + 1), "a");
}

CAF_TEST(the limits of a popup) {
  struct row {
    std::string frequency;
    user_state state;
    std::string expected;
    int64_t next_ms;
  };
  auto ago = [](int64_t ms) { return now_ms - ms; };
  std::vector<row> rows = {
      {R"("every":"1h")", seen("a", 1, ago(hour_ms - 1)), "COOLDOWN", now_ms + 1},
      {R"("every":"1h")", seen("a", 1, ago(hour_ms)), "a", now_ms + hour_ms},
      {R"("max_shows":2)", seen("a", 1, ago(5)), "a", 0},
      {R"("max_shows":2)", seen("a", 2, ago(5)), "CAPPED", 0},
      {R"("max_shows":2,"every":"1h")", seen("a", 2, ago(5)), "CAPPED", 0},
      {R"("max_shows":2,"every":"1h")", seen("a", 1, ago(5)), "COOLDOWN", now_ms + hour_ms - 5},
      {R"("stop_after":["click"])", seen("a", 1, ago(5), ago(3)), "CAPPED", 0},
      {R"("stop_after":["click"])", seen("a", 1, ago(5), 0, ago(3), ago(3)), "a", 0},
      {R"("stop_after":["dismiss"])", seen("a", 1, ago(5), 0, ago(3)), "CAPPED", 0},
      {R"("stop_after":["convert"])", seen("a", 1, ago(5), 0, 0, ago(3)), "CAPPED", 0},
      {R"("after_dismiss":"1h")", seen("a", 1, ago(hour_ms), 0, ago(3)), "COOLDOWN", now_ms + hour_ms - 3},
      {R"("after_dismiss":"1h")", seen("a", 1, ago(hour_ms), 0, ago(hour_ms)), "a", now_ms + 1},
      {R"("after_click":"1h")", seen("a", 1, ago(hour_ms), ago(3)), "COOLDOWN", now_ms + hour_ms - 3},
      {R"("after_click":"1h","after_dismiss":"2h")", seen("a", 1, 0, ago(3), ago(2)), "COOLDOWN",
       now_ms + 2 * hour_ms - 2},
      {R"("every":"1h")", seen("a", 1, now_ms + hour_ms), "COOLDOWN", now_ms + 2 * hour_ms}, // clock set back
      {R"("every":"1h")", seen("b", 1, ago(5)), "a", now_ms + hour_ms},
  };
  rows[11].next_ms = 0; // the wait after the dismissal is over for good
  for (const auto& r : rows) {
    auto c = make_catalog({make_popup("a", R"("frequency":{)" + r.frequency + "}")});
    CAF_MESSAGE(r.frequency);
    CAF_CHECK_EQUAL(at_home(c, r.state), r.expected);
    CAF_CHECK_EQUAL(next_ms(c, r.state), r.next_ms);
  }
}

CAF_TEST(the strongest reason of the candidates is reported) {
  const std::string capped = R"("frequency":{"max_shows":1})";
  const std::string waiting = R"("frequency":{"every":"1h"})";
  const std::string nobody = R"("audience":{"attribute":"x","op":"exists"})";
  const std::string rolled = R"("rollout":{"percent":0})";
  auto state = seen("c", 1, now_ms - 1);
  state.touch("w") = {"w", 1, now_ms - 1, 0, 0, 0};
  auto reason_for = [&](std::vector<popup_ptr> popups) {
    return at_home(make_catalog(std::move(popups)), state);
  };
  CAF_CHECK_EQUAL(reason_for({make_popup("c", capped)}), "CAPPED");
  CAF_CHECK_EQUAL(reason_for({make_popup("n", nobody)}), "NO_MATCH");
  CAF_CHECK_EQUAL(reason_for({make_popup("r", rolled)}), "ROLLOUT");
  CAF_CHECK_EQUAL(reason_for({make_popup("c", capped), make_popup("n", nobody)}), "NO_MATCH");
  CAF_CHECK_EQUAL(reason_for({make_popup("n", nobody), make_popup("r", rolled)}), "ROLLOUT");
  CAF_CHECK_EQUAL(reason_for({make_popup("r", rolled), make_popup("n", nobody), make_popup("w", waiting)}),
                  "COOLDOWN");
  CAF_CHECK_EQUAL(reason_for({make_popup("s", window_shut), make_popup("c", capped)}), "CAPPED");
  CAF_CHECK_EQUAL(reason_for({make_popup("n", nobody), make_popup("z")}), "z");
}

CAF_TEST(a popup is in an answer once) {
  auto c =
      make_catalog({make_popup("a", R"("priority":1)", R"(["p","q","r"])"), make_popup("b", "", R"(["q"])")});
  auto d = decide(c, {}, nullptr, make_request({"p", "q", "r"}), now_ms);
  CAF_CHECK_EQUAL(shown(d.placements[0]), "a");
  CAF_CHECK_EQUAL(shown(d.placements[1]), "b");
  CAF_CHECK_EQUAL(shown(d.placements[2]), "CAPPED");
  CAF_CHECK_EQUAL(d.next.find("a")->shows, 1u);
}

CAF_TEST(audience looks at request then profile) {
  auto c = make_catalog({make_popup("a", R"("audience":{"attribute":"plan","op":"eq","value":"free"})")});
  auto profile = make_attributes(R"({"plan":"free"})");
  auto r = make_request();
  CAF_CHECK_EQUAL(shown(decide(c, {}, nullptr, r, now_ms).placements[0]), "NO_MATCH");
  CAF_CHECK_EQUAL(shown(decide(c, {}, &profile, r, now_ms).placements[0]), "a");
  r.attrs = make_attributes(R"({"plan":"gold"})");
  CAF_CHECK_EQUAL(shown(decide(c, {}, &profile, r, now_ms).placements[0]), "NO_MATCH");
}

CAF_TEST(variants) {
  auto c = make_catalog({make_popup("a", R"("variants":[{"id":"x"},{"id":"y"}])")});
  int second = 0;
  for (int i = 0; i < 1000; ++i) {
    auto r = make_request({"home"}, "u" + std::to_string(i));
    auto d = decide(c, {}, nullptr, r, now_ms);
    CAF_REQUIRE_EQUAL(d.placements[0].variant, pick_variant(*d.placements[0].popup, r.user));
    second += static_cast<int>(d.placements[0].variant);
  }
  CAF_CHECK(second > 400 && second < 600);
}

CAF_TEST(the next moment looks past audience and trigger but not past rollout and window) {
  user_state gap;
  gap.next_eligible_ms = now_ms + hour_ms;
  auto at = [&](const std::string& members, const user_state& s) {
    return next_ms(make_catalog({make_popup("a", members)}), s);
  };
  CAF_CHECK_EQUAL(at(R"("audience":{"attribute":"x","op":"exists"})", {}), 0);
  CAF_CHECK_EQUAL(at(R"("trigger":{"event":"e"},"window":{"from":"2026-11-20T10:31:00Z"})", {}),
                  now_ms + minute_ms);
  CAF_CHECK_EQUAL(at(window_ahead, {}), now_ms + second_ms);
  CAF_CHECK_EQUAL(at(window_ahead, gap), now_ms + hour_ms);
  CAF_CHECK_EQUAL(at(window_shut, {}), 0);
  CAF_CHECK_EQUAL(at(R"("rollout":{"percent":0},"window":{"from":"2026-11-20T10:31:00Z"})", {}), 0);
  CAF_CHECK_EQUAL(at(R"("rollout":{"percent":0})", gap), now_ms + hour_ms);
  // What comes back only when its window has closed never comes back.
  CAF_CHECK_EQUAL(
      at(R"("frequency":{"every":"1h"},"window":{"until":"2026-11-20T11:00:00Z"})", seen("a", 1, now_ms - 1)),
      0);
  CAF_CHECK_EQUAL(
      at(R"("frequency":{"every":"1h"},"window":{"until":"2026-11-20T11:30:00Z"})", seen("a", 1, now_ms)), 0);
  CAF_CHECK_EQUAL(
      at(R"("frequency":{"every":"1h"},"window":{"until":"2026-11-20T11:30:00.001Z"})", seen("a", 1, now_ms)),
      now_ms + hour_ms);
}

CAF_TEST(the gap counts against windows too) {
  auto c = make_catalog({make_popup("a", R"("window":{"until":"2026-11-20T11:00:00Z"})"),
                         make_popup("b", R"("window":{"from":"2026-11-20T12:30:00Z"})")});
  user_state gap;
  gap.next_eligible_ms = now_ms + hour_ms;
  CAF_CHECK_EQUAL(next_ms(c, gap), now_ms + 2 * hour_ms);
}

CAF_TEST(the earliest moment of all placements is reported) {
  auto c = make_catalog({make_popup("a", R"("frequency":{"every":"2h"})"),
                         make_popup("b", R"("frequency":{"every":"1h"})", R"(["cart"])")});
  auto s = seen("a", 1, now_ms);
  s.touch("b").last_shown_ms = now_ms;
  CAF_CHECK_EQUAL(next_ms(c, s, now_ms, make_request({"home", "cart"})), now_ms + hour_ms);
  CAF_CHECK_EQUAL(next_ms(c, s), now_ms + 2 * hour_ms);
}

CAF_TEST(the clock set back never shortens a wait) {
  auto c = make_catalog({make_popup("a")});
  auto d = decide(c, seen("a", 1, now_ms + hour_ms), nullptr, make_request(), now_ms);
  CAF_CHECK_EQUAL(shown(d.placements[0]), "a");
  CAF_CHECK_EQUAL(d.next.find("a")->last_shown_ms, now_ms + hour_ms);
}

CAF_TEST(reasons have names) {
  CAF_CHECK_EQUAL(std::string{to_string(reason::match)}, "MATCH");
  CAF_CHECK_EQUAL(std::string{to_string(reason::unavailable)}, "UNAVAILABLE");
  CAF_CHECK_EQUAL(std::string{to_string(reason::quiet_hours)}, "QUIET_HOURS");
}

CAF_TEST(a user in cooldown costs little) {
  std::vector<popup_ptr> popups;
  for (int i = 0; i < 10; ++i)
    popups.push_back(make_popup("popup-" + std::to_string(i), R"("frequency":{"every":"24h"})"));
  auto c = make_catalog(popups);
  user_state in_gap;
  user_state in_waits;
  for (const auto& p : popups)
    in_waits.touch(p->id).last_shown_ms = now_ms - 1;
  in_gap.next_eligible_ms = now_ms + hour_ms;
  auto r = make_request();
  for (const auto* s : {&in_gap, &in_waits}) {
    constexpr int rounds = 100'000;
    auto began = std::chrono::steady_clock::now();
    size_t refused = 0;
    for (int i = 0; i < rounds; ++i)
      refused += decide(c, *s, nullptr, r, now_ms + i % 7).claims ? 0 : 1;
    auto took = std::chrono::steady_clock::now() - began;
    auto each_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(took).count() / rounds;
    CAF_MESSAGE((s == &in_gap ? "gap of the user: " : "waits of ten popups: ") << each_ns << " ns");
    CAF_CHECK_EQUAL(refused, static_cast<size_t>(rounds));
    CAF_CHECK(each_ns < 20'000); // wide enough for sanitizers and a busy machine
  }
}
