#define CAF_SUITE actors.decide_json

#include "actors/users/decide_json.hpp"

#include <caf/test/dsl.hpp>

using namespace beckon;
using namespace beckon::actors;

namespace {

json::field_errors faults(const std::string& text) {
  json::document doc;
  CAF_REQUIRE(!json::parse(text, doc));
  json::field_errors errors;
  parse_decide(doc, errors);
  return errors;
}

json::field_errors query_faults(const std::string& query) {
  net::request request;
  request.query = query;
  json::field_errors errors;
  parse_decide_query(request, errors);
  return errors;
}

} // namespace

CAF_TEST(a whole request is read) {
  json::document doc;
  CAF_REQUIRE(!json::parse(R"({"request_id":"r-81","user":"u-123","placements":["home","cart"],
    "context":{"platform":"ios"},"attributes":{"plan":"free"},"trigger":{"event":"checkout_started"},
    "explain":true,"dry_run":true})",
                           doc));
  json::field_errors errors;
  auto ask = parse_decide(doc, errors);
  CAF_CHECK(errors.empty());
  CAF_CHECK_EQUAL(ask.request_id, "r-81");
  CAF_CHECK_EQUAL(ask.request.user, "u-123");
  CAF_CHECK_EQUAL(ask.request.placements.size(), 2u);
  CAF_CHECK_EQUAL(ask.request.trigger_event, "checkout_started");
  CAF_CHECK(ask.request.context.find("platform") && ask.request.attrs.find("plan"));
  CAF_CHECK(ask.request.explain && ask.request.dry_run);
}

CAF_TEST(errors name their place) {
  std::vector<std::pair<std::string, std::string>> table{
      {R"({"placements":["a"]})", "/user"},
      {R"({"user":"","placements":["a"]})", "/user"},
      {R"({"user":"u"})", "/placements"},
      {R"({"user":"u","placements":[]})", "/placements"},
      {R"({"user":"u","placements":["a","a"]})", "/placements/1"},
      {R"({"user":"u","placements":[7]})", "/placements/0"},
      {R"({"user":"u","placements":["a"],"usr":1})", "/usr"},
      {R"({"user":"u","placements":["a"],"trigger":{"evnt":"x"}})", "/trigger/event"},
      {R"({"user":"u","placements":["a"],"explain":"yes"})", "/explain"},
      {R"({"user":"u","placements":["a"],"context":[]})", "/context"},
  };
  for (const auto& [text, pointer] : table) {
    auto errors = faults(text);
    CAF_REQUIRE(!errors.empty());
    CAF_CHECK_EQUAL(errors.front().pointer, pointer);
  }
}

CAF_TEST(the short form is read and checked) {
  net::request request;
  request.query = "user=u%201&placement=home&placement=cart&dry_run=true";
  json::field_errors errors;
  auto ask = parse_decide_query(request, errors);
  CAF_CHECK(errors.empty());
  CAF_CHECK_EQUAL(ask.request.user, "u 1");
  CAF_CHECK_EQUAL(ask.request.placements.size(), 2u);
  CAF_CHECK(ask.request.dry_run);
  for (const char* bad :
       {"", "user=u", "placement=p", "user=u&placement=p&x=1", "user=u&placement=p&explain=1", "user=%zz"})
    CAF_CHECK(!query_faults(bad).empty());
}

CAF_TEST(an answer has the shape of the reference) {
  decide_answer a;
  auto ask = std::make_shared<decide_ask>();
  ask->request.user = "u\"1";
  ask->request.placements = {"home", "cart"};
  a.ask = ask;
  a.decision_id = "d";
  a.catalog_version = 42;
  auto p = std::make_shared<decision::popup>();
  p->id = "welcome";
  p->revision = 3;
  p->variants = {{"a", 1, R"({"v":"a"})"}, {"b", 1, R"({"v":"b"})"}};
  a.what.placements.resize(2);
  a.what.placements[0] = {p, 1, decision::reason::match, {}};
  a.what.placements[1].why = decision::reason::cooldown;
  a.what.next_eligible_ms = 1'795'170'600'000;
  CAF_CHECK_EQUAL(
      render_decision(a),
      R"({"decision_id":"d","user":"u\"1","catalog_version":42,)"
      R"("next_eligible_at":"2026-11-20T10:30:00.000Z","placements":{"home":{"popup":{"id":"welcome",)"
      R"("revision":3,"variant":"b","content":{"v":"b"}},"reason":"MATCH"},)"
      R"("cart":{"popup":null,"reason":"COOLDOWN"}}})");
}
