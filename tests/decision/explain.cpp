#define CAF_SUITE decision.explain

#include "scenario.hpp"

#include <caf/test/unit_test.hpp>

using namespace beckon;
using namespace beckon::decision;
using namespace beckon::decision::scenario;

namespace {

std::string explained(const placement_decision& p) {
  std::string result;
  for (const auto& c : p.candidates) {
    json::document d;
    if (json::parse(c.facts_json, d) || !d.IsObject())
      return "bad facts: " + c.facts_json;
    result += c.popup + " " + c.gate + " " + c.facts_json + "\n";
  }
  return result;
}

decide_request explaining(std::vector<std::string> placements = {"home"}) {
  auto r = make_request(std::move(placements));
  r.explain = true;
  return r;
}

/// The explanation of the only popup.
std::string one(const std::string& members, const user_state& s = {}, settings config = {}) {
  auto d = decide(make_catalog({make_popup("a", members)}, config), s, nullptr, explaining(), now_ms);
  return explained(d.placements[0]);
}

user_state record(uint32_t shows, int64_t last_ms, int64_t clicked_ms, int64_t dismissed_ms) {
  user_state s;
  s.touch("a") = {"a", shows, last_ms, clicked_ms, dismissed_ms, 0};
  return s;
}

} // namespace

CAF_TEST(each gate tells its facts) {
  const auto minute_ago = now_ms - minute_ms;
  CAF_CHECK_EQUAL(one(""), "a match {\"priority\":0}\n");
  CAF_CHECK_EQUAL(
      one(R"("window":{"until":"2026-11-01T00:00:00Z"})"),
      "a window "
      "{\"from\":null,\"until\":\"2026-11-01T00:00:00.000Z\",\"now\":\"2026-11-20T10:30:00.000Z\"}\n");
  CAF_CHECK_EQUAL(one(R"("trigger":{"event":"e"})"), "a trigger {\"needs\":\"e\",\"given\":\"\"}\n");
  settings held;
  held.holdout_percent = 100.0;
  CAF_CHECK_EQUAL(one("", {}, held).substr(0, 20), "a holdout {\"bucket\":");
  user_state gap;
  gap.next_eligible_ms = now_ms + minute_ms;
  CAF_CHECK_EQUAL(one("", gap), "a min_gap {\"next_eligible_at\":\"2026-11-20T10:31:00.000Z\"}\n");
  CAF_CHECK_EQUAL(one(R"("frequency":{"stop_after":["click"]})", record(1, minute_ago, minute_ago, 0)),
                  "a stop_after {\"clicked_at\":\"2026-11-20T10:29:00.000Z\",\"dismissed_at\":null,"
                  "\"converted_at\":null}\n");
  CAF_CHECK_EQUAL(one(R"("frequency":{"max_shows":3})", record(3, 1, 0, 0)),
                  "a max_shows {\"shows\":3,\"max_shows\":3}\n");
  CAF_CHECK_EQUAL(one(R"("frequency":{"every":"24h"})", record(3, minute_ago, 0, 0)),
                  "a every {\"last_shown_at\":\"2026-11-20T10:29:00.000Z\",\"every\":\"1d\"}\n");
  CAF_CHECK_EQUAL(
      one(R"("frequency":{"after_dismiss":"24h"})", record(3, minute_ago, 0, minute_ago)),
      "a after_dismiss {\"dismissed_at\":\"2026-11-20T10:29:00.000Z\",\"after_dismiss\":\"1d\"}\n");
  CAF_CHECK_EQUAL(one(R"("frequency":{"after_click":"24h"})", record(3, minute_ago, minute_ago, 0)),
                  "a after_click {\"clicked_at\":\"2026-11-20T10:29:00.000Z\",\"after_click\":\"1d\"}\n");
  CAF_CHECK_EQUAL(one(R"("audience":{"attribute":"x","op":"exists"})"), "a audience {\"x\":null}\n");
  CAF_CHECK_EQUAL(one(R"("rollout":{"percent":0})").substr(0, 20), "a rollout {\"bucket\":");
}

CAF_TEST(every live candidate is explained in order) {
  auto c = make_catalog({
      make_popup("first", R"("priority":9,"audience":{"attribute":"x","op":"exists"})"),
      make_popup("shown", R"("priority":5)", R"(["home","cart"])"),
      make_popup("late", R"("priority":4,"window":{"from":"2099-01-01T00:00:00Z"})"),
      make_popup("least"),
  });
  auto d = decide(c, {}, nullptr, explaining({"home", "cart"}), now_ms);
  CAF_CHECK_EQUAL(shown(d.placements[0]), "shown");
  CAF_CHECK_EQUAL(explained(d.placements[0]),
                  "first audience {\"x\":null}\n"
                  "shown match {\"priority\":5}\n"
                  "late window {\"from\":\"2099-01-01T00:00:00.000Z\",\"until\":null,"
                  "\"now\":\"2026-11-20T10:30:00.000Z\"}\n"
                  "least outranked {\"priority\":0,\"by\":\"shown\"}\n");
  CAF_CHECK_EQUAL(explained(d.placements[1]), "shown taken {\"placement\":\"home\"}\n");
  CAF_CHECK_EQUAL(d.placements[0].candidates[0].revision, 1u);
}

CAF_TEST(an explanation changes no answer) {
  auto c =
      make_catalog({make_popup("a", R"("rollout":{"percent":50})"), make_popup("b", R"("priority":-1)")});
  for (int i = 0; i < 200; ++i) {
    auto r = make_request({"home"}, "u" + std::to_string(i));
    auto plain = decide(c, {}, nullptr, r, now_ms);
    CAF_CHECK(plain.placements[0].candidates.empty());
    r.explain = true;
    CAF_CHECK_EQUAL(shown(decide(c, {}, nullptr, r, now_ms).placements[0]), shown(plain.placements[0]));
  }
}
