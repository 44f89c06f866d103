#define CAF_SUITE decision.popup

#include "scenario.hpp"

#include <caf/test/unit_test.hpp>

#include <map>
#include <random>

using namespace beckon;
using namespace beckon::decision;
using namespace beckon::decision::scenario;

namespace {

const std::string full =
    R"({"id": "welcome", "name": "Welcome offer", "status": "live", "placements": ["home", "cart"],
 "priority": 100, "window": {"from": "2026-11-01T00:00:00Z", "until": "2026-12-01T00:00:00Z"},
 "trigger": {"event": "checkout_started"},
 "audience": {"all": [{"attribute": "plan", "op": "in", "value": ["free", "trial"]},
                      {"not": {"attribute": "country", "op": "eq", "value": "CH"}}]},
 "rollout": {"percent": 25.0, "salt": "w1"},
 "frequency": {"every": "24h", "max_shows": 3, "stop_after": ["click", "convert"], "after_dismiss": "7d",
               "after_click": "2w"},
 "variants": [{"id": "a", "weight": 30, "content": {"x": 1}}, {"id": "b", "weight": 70}],
 "content": {"title": "Hello", "body": "…"}})";

/// The errors of a document that is right but for `members`.
std::string refused(const std::string& members) {
  json::field_errors errors;
  parse_popup(
      document_of(R"({"id":"p","placements":["home"])" + (members.empty() ? "" : "," + members) + "}"), {},
      errors);
  return text_of(errors);
}

std::string refused_document(const std::string& text, std::optional<std::string_view> forced_id = {}) {
  json::field_errors errors;
  parse_popup(document_of(text), forced_id, errors);
  return text_of(errors);
}

const std::string with_content = R"("content":{},)";

} // namespace

CAF_TEST(a full document) {
  json::field_errors errors;
  auto p = parse_popup(document_of(full), "welcome", errors);
  CAF_CHECK_EQUAL(text_of(errors), "");
  CAF_CHECK_EQUAL(p.id, "welcome");
  CAF_CHECK_EQUAL(p.name, "Welcome offer");
  CAF_CHECK(p.status == popup_status::live);
  CAF_CHECK(p.placements == (std::vector<std::string>{"home", "cart"}));
  CAF_CHECK_EQUAL(p.priority, 100);
  CAF_CHECK_EQUAL(p.from_ms.value_or(0), 1793491200000);
  CAF_CHECK_EQUAL(p.until_ms.value_or(0), 1796083200000);
  CAF_CHECK_EQUAL(p.trigger_event, "checkout_started");
  CAF_CHECK(!p.audience.empty());
  CAF_CHECK_EQUAL(p.rollout_percent, 25.0);
  CAF_CHECK_EQUAL(p.rollout_salt, "w1");
  CAF_CHECK(p.freq.every_ms == day_ms);
  CAF_CHECK(p.freq.max_shows == 3u);
  CAF_CHECK(p.freq.stop_after_click && p.freq.stop_after_convert && !p.freq.stop_after_dismiss);
  CAF_CHECK(p.freq.after_dismiss_ms == 7 * day_ms);
  CAF_CHECK(p.freq.after_click_ms == 14 * day_ms);
  CAF_CHECK_EQUAL(p.content_json, R"({"title":"Hello","body":"…"})");
  CAF_REQUIRE_EQUAL(p.variants.size(), 2u);
  CAF_CHECK_EQUAL(p.variants[0].content_json, R"({"x":1})");
  CAF_CHECK_EQUAL(p.variants[1].content_json, p.content_json);
  CAF_CHECK_EQUAL(p.weight_sum, 100u);
}

CAF_TEST(the least document and its defaults) {
  json::field_errors errors;
  auto p = parse_popup(document_of(R"({"id":"p","placements":["home"],"content":{}})"), {}, errors);
  CAF_CHECK_EQUAL(text_of(errors), "");
  CAF_CHECK(p.status == popup_status::draft);
  CAF_CHECK_EQUAL(p.priority, 0);
  CAF_CHECK(!p.from_ms && !p.until_ms);
  CAF_CHECK_EQUAL(p.trigger_event, "");
  CAF_CHECK(p.audience.empty());
  CAF_CHECK_EQUAL(p.rollout_percent, 100.0);
  CAF_CHECK_EQUAL(p.rollout_salt, "p");
  CAF_CHECK_EQUAL(p.revision, 0u);
  CAF_CHECK_EQUAL(p.content_json, "{}");
}

CAF_TEST(the id of the path) {
  auto least = R"("placements":["home"],"content":{}})";
  CAF_CHECK_EQUAL(refused_document(std::string{"{"} + least, "p"), "");
  CAF_CHECK_EQUAL(refused_document(std::string{R"({"id":"p",)"} + least, "p"), "");
  CAF_CHECK_EQUAL(refused_document(std::string{R"({"id":"q",)"} + least, "p").substr(0, 4), "/id:");
  CAF_CHECK_EQUAL(refused_document(std::string{"{"} + least), "/id: is required\n");
  CAF_CHECK_EQUAL(refused_document(std::string{"{"} + least, "a\nb").substr(0, 4), "/id:");
  json::field_errors errors;
  CAF_CHECK_EQUAL(parse_popup(document_of(std::string{"{"} + least), "p", errors).rollout_salt, "p");
}

CAF_TEST(wrong members are named by their pointer) {
  struct row {
    std::string members;
    std::string starts;
    int count = 1;
  };
  std::vector<row> rows = {
      {R"("name":5)", "/name:"},
      {R"("name":")" + std::string(257, 'x') + "\"", "/name:"},
      {R"("status":"lvie")", "/status: must be one of draft, live, paused, archived; did you mean \"live\"?"},
      {R"("priority":1000001)", "/priority:"},
      {R"("priority":"5")", "/priority:"},
      {R"("window":[])", "/window:"},
      {R"("window":{"from":"tomorrow"})", "/window/from:"},
      {R"("window":{"from":"2026-11-01T00:00:00Z","until":"2026-11-01T00:00:00Z"})", "/window/until:"},
      {R"("window":{"till":"2026-11-01T00:00:00Z"})", "/window/till: is not a known member"},
      {R"("trigger":{})", "/trigger/event: is required"},
      {R"("trigger":"x")", "/trigger:"},
      {R"("rollout":{"percent":100.5})", "/rollout/percent:"},
      {R"("rollout":{"percent":-1})", "/rollout/percent:"},
      {R"("rollout":{"salt":""})", "/rollout/salt:"},
      {R"("frequency":{"every":"0s"})", "/frequency/every:"},
      {R"("frequency":{"max_shows":0})", "/frequency/max_shows:"},
      {R"("frequency":{"max_shows":1000001})", "/frequency/max_shows:"},
      {R"("frequency":{"stop_after":["clik"]})",
       "/frequency/stop_after/0: must be one of click, dismiss, convert; did"},
      {R"("frequency":{"stop_after":"click"})", "/frequency/stop_after:"},
      {R"("frequency":{"shows":3,"per":"7d"})", "/frequency/shows: is not a known member", 2},
      {R"("variants":[])", "/variants:"},
      {R"("variants":[{"weight":1}])", "/variants/0/id: is required"},
      {R"("variants":[{"id":"a"},{"id":"a"}])", "/variants/1/id:"},
      {R"("variants":[{"id":"a","weight":0}])", "/variants: must have one weight above zero"},
      {R"("variants":[{"id":"a","weight":1000001}])", "/variants/0/weight:"},
      {R"("variants":[5])", "/variants/0: must be a JSON object"},
      {R"("audience":{"attribute":"a","op":"equals","value":1})", "/audience/op:"},
      {R"("audience":[])", "/audience: must be a JSON object"},
      {R"("priorty":1)", "/priorty: is not a known member here; did you mean \"priority\"?"},
  };
  for (const auto& r : rows) {
    auto found = refused(with_content + r.members);
    CAF_CHECK_EQUAL(found.substr(0, r.starts.size()), r.starts);
    if (std::count(found.begin(), found.end(), '\n') != r.count)
      CAF_ERROR("not " << r.count << " errors: " << found);
  }
}

CAF_TEST(placements) {
  auto with = [](const std::string& list) {
    return refused_document(R"({"id":"p","content":{},"placements":)" + list + "}");
  };
  CAF_CHECK_EQUAL(with(R"(["a","b"])"), "");
  CAF_CHECK_EQUAL(with("[]").substr(0, 12), "/placements:");
  CAF_CHECK_EQUAL(with("null"), "/placements: must not be null: null is no value\n");
  CAF_CHECK_EQUAL(with(R"(["a",""])").substr(0, 14), "/placements/1:");
  CAF_CHECK_EQUAL(with(R"(["a",1])").substr(0, 14), "/placements/1:");
  CAF_CHECK_EQUAL(with(R"(["a","a"])").substr(0, 14), "/placements/1:");
  std::string many = "[\"0\"";
  for (int i = 1; i < 20; ++i)
    many += ",\"" + std::to_string(i) + "\"";
  CAF_CHECK_EQUAL(with(many + "]"), "");
  CAF_CHECK_EQUAL(with(many + ",\"x\"]").substr(0, 12), "/placements:");
}

CAF_TEST(content or variants with contents) {
  CAF_CHECK_EQUAL(refused("").substr(0, 9), "/content:");
  CAF_CHECK_EQUAL(refused(R"("content":"text")").substr(0, 9), "/content:");
  CAF_CHECK_EQUAL(refused(R"("variants":[{"id":"a","content":{}},{"id":"b","content":{}}])"), "");
  CAF_CHECK_EQUAL(refused(R"("variants":[{"id":"a","content":{}},{"id":"b"}])").substr(0, 20),
                  "/variants/1/content:");
  CAF_CHECK_EQUAL(refused(R"("content":{},"variants":[{"id":"a","weight":0},{"id":"b","weight":1}])"), "");
  // {"x":"…"} has eight bytes around its text.
  CAF_CHECK_EQUAL(refused(R"("content": { "x" : ")" + std::string(32768 - 8, 'y') + "\" }"), "");
  CAF_CHECK_EQUAL(refused(R"("content":{"x":")" + std::string(32768 - 7, 'y') + "\"}").substr(0, 9),
                  "/content:");
}

CAF_TEST(something else than an object) {
  CAF_CHECK_EQUAL(refused_document("[]"), ": must be a JSON object\n");
  CAF_CHECK_EQUAL(refused_document("null", "p"), ": must be a JSON object\n");
}

CAF_TEST(variants follow their weights and stay) {
  auto p =
      make_popup("p", R"("rollout":{"salt":"v"},"variants":[{"id":"a","weight":20},{"id":"z","weight":0},)"
                      R"({"id":"b","weight":80}])");
  std::map<size_t, int> counts;
  for (int i = 0; i < 100'000; ++i) {
    auto user = "u" + std::to_string(i);
    auto variant = pick_variant(*p, user);
    ++counts[variant];
    if (i % 1000 == 0)
      CAF_CHECK_EQUAL(pick_variant(*p, user), variant);
  }
  CAF_CHECK(std::abs(counts[0] - 20'000) < 500);
  CAF_CHECK_EQUAL(counts[1], 0);
  CAF_CHECK(std::abs(counts[2] - 80'000) < 500);
}

CAF_TEST(event types have names) {
  for (auto t : {event_type::impression, event_type::click, event_type::dismiss, event_type::convert,
                 event_type::custom})
    CAF_CHECK(event_type_from(to_string(t)) == t);
  CAF_CHECK(!event_type_from("Click"));
  CAF_CHECK(!event_type_from(""));
}

CAF_TEST(changed documents are refused or read but never do harm) {
  auto seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  std::mt19937 random{seed};
  const std::vector<std::string> pieces = {"null",    "[]",           "{}",          "1",      "-1",
                                           "1e300",   "\"\"",         "true",        "\"7d\"", "\"live\"",
                                           "[[[1]]]", "{\"all\":[]}", "{\"not\":{}}"};
  std::string text = full;
  int read = 0;
  for (int i = 0; i < 30'000; ++i) {
    text = full;
    for (auto changes = random() % 3 + 1; changes > 0; --changes) {
      auto at = text.find_first_of(":[,", random() % text.size());
      if (at == std::string::npos)
        continue;
      auto end = text.find_first_of(",}]", at + 1);
      if (random() % 2 == 0 && end != std::string::npos)
        text.replace(at + 1, end - at - 1, pieces[random() % pieces.size()]);
      else
        text[random() % text.size()] = "\"{}[]:,19ax"[random() % 11];
    }
    json::document d;
    if (json::parse(text, d))
      continue;
    ++read;
    json::field_errors errors;
    auto p = parse_popup(d, {}, errors);
    CAF_REQUIRE(errors.size() <= json::field_errors_max);
    if (errors.empty())
      decide(make_catalog({std::make_shared<popup>(p)}), {}, nullptr, make_request(), now_ms);
  }
  CAF_CHECK(read > 1000);
}
