#define CAF_SUITE actors.event_json

#include "actors/api/event_json.hpp"

#include "json/time_text.hpp"

#include <caf/test/dsl.hpp>

using namespace beckon;
using namespace beckon::actors;

namespace {

constexpr int64_t now_ms = 1'795'170'600'000; // 2026-11-20T10:30:00Z

parsed_events parse(const std::string& events, json::field_errors& errors) {
  json::document doc;
  const auto text = R"({"events":)" + events + "}";
  CAF_REQUIRE(!json::parse(text, doc));
  return parse_events(doc, text, now_ms, errors);
}

std::string code_of(const std::string& event) {
  json::field_errors errors;
  auto parsed = parse("[" + event + "]", errors);
  CAF_CHECK(errors.empty());
  return parsed.rejected.empty() ? "" : parsed.rejected.front().code;
}

std::string with(const std::string& members) {
  return R"({"id":"e","user":"u",)" + members + "}";
}

} // namespace

CAF_TEST(each fault of an event has its code) {
  std::vector<std::pair<std::string, std::string>> table{
      {with(R"("type":"click","popup":"p")"), ""},
      {with(R"("type":"custom","name":"n")"), ""},
      {with(R"("type":"click","popup":"p","at":"2026-11-20T10:34:59Z")"), ""},
      {with(R"("type":"click","popup":"p","at":"2026-11-20T10:35:01Z")"), "bad_timestamp"},
      {with(R"("type":"click","popup":"p","at":"2026-10-21T10:30:00Z")"), ""},
      {with(R"("type":"click","popup":"p","at":"2026-10-21T10:29:59Z")"), "bad_timestamp"},
      {with(R"("type":"click","popup":"p","at":"yesterday")"), "bad_timestamp"},
      {with(R"("type":"click","popup":"p","at":7)"), "bad_timestamp"},
      {with(R"("type":"clack","popup":"p")"), "bad_type"},
      {with(R"("popup":"p")"), "missing_field"},
      {with(R"("type":"click")"), "missing_field"},
      {with(R"("type":"custom")"), "missing_field"},
      {with(R"("type":"click","popup":"p","name":"n")"), "bad_value"},
      {with(R"("type":"click","popup":"p","colour":"red")"), "unknown_field"},
      {with(R"("type":"click","popup":"p","properties":[])"), "bad_value"},
      {with(R"("type":"click","popup":"p","properties":{"x":")" + std::string(20000, 'x') + R"("})"),
       "too_large"},
      {"7", "bad_value"},
  };
  for (const auto& [event, code] : table) {
    CAF_MESSAGE(event.substr(0, 120));
    CAF_CHECK_EQUAL(code_of(event), code);
  }
}

CAF_TEST(one bad event rejects itself alone) {
  json::field_errors errors;
  auto parsed = parse(
      "[" + with(R"("type":"click","popup":"p")") + "," + with(R"("type":"x","popup":"p")") + "]", errors);
  CAF_CHECK(errors.empty());
  CAF_CHECK_EQUAL(parsed.rows.size(), 1u);
  CAF_REQUIRE_EQUAL(parsed.rejected.size(), 1u);
  CAF_CHECK_EQUAL(parsed.rejected[0].index, 1u);
  CAF_CHECK_EQUAL(parsed.rejected[0].pointer, "/events/1/type");
}

CAF_TEST(the envelope is bounded) {
  std::string many = "[";
  for (int i = 0; i < 501; ++i)
    many += (i ? "," : "") + with(R"("type":"click","popup":"p")");
  for (const auto& events : {many + "]", std::string{"[]"}, std::string{"{}"}, std::string{"7"}}) {
    json::field_errors errors;
    parse(events, errors);
    CAF_CHECK(!errors.empty());
  }
}

CAF_TEST(an event is written as it was read) {
  storage::event_row e;
  e.id = "e";
  e.type = decision::event_type::custom;
  e.name = "n";
  e.user = "u";
  e.at_ms = now_ms;
  e.received_ms = now_ms + 1;
  e.properties = R"({"a":1})";
  std::string out;
  append_event(out, e);
  CAF_CHECK_EQUAL(out, R"({"id":"e","type":"custom","name":"n","user":"u","at":"2026-11-20T10:30:00.000Z",)"
                       R"("received_at":"2026-11-20T10:30:00.001Z","properties":{"a":1}})");
}
