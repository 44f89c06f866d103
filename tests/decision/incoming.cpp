#define CAF_SUITE decision.incoming

#include "decision/incoming.hpp"

#include "decision/catalog.hpp"

#include <caf/test/unit_test.hpp>

#include <string>

using namespace beckon;
using namespace beckon::decision;

namespace {

struct reading {
  popup read;
  json::field_errors stored;   // as the catalogue reads it
  json::field_errors incoming; // what the stricter rules add
};

reading read(const std::string& members) {
  const auto text = R"({"id":"p","placements":["home"],)" + members + "}";
  json::document doc;
  CAF_REQUIRE(!json::parse(text, doc));
  reading result;
  result.read = parse_popup_text(doc, text, "p", result.stored);
  check_incoming_popup(doc, text, result.incoming);
  return result;
}

} // namespace

CAF_TEST(contents keep their numbers as they came) {
  auto r = read(R"("content":{"a": 1e2, "b" :[18446744073709551616, 1.50, -0.0], "c":0.1e-7},
                   "variants":[{"id":"x","content":{"n":1E+2}},{"id":"y"}])");
  CAF_CHECK(r.stored.empty() && r.incoming.empty());
  CAF_CHECK_EQUAL(r.read.content_json, R"({"a":1e2,"b":[18446744073709551616,1.50,-0.0],"c":0.1e-7})");
  CAF_CHECK_EQUAL(r.read.variants[0].content_json, R"({"n":1E+2})");
  CAF_CHECK_EQUAL(r.read.variants[1].content_json, r.read.content_json);
}

CAF_TEST(stricter rules hold for what comes in and not for what is stored) {
  for (
      const auto* members :
      {R"("content":{},"rollout":{"percent":0.005})", R"("content":{},"rollout":{"percent":33.333})",
       R"("content":{},"window":{"from":"2026-11-20T10:30:60Z"})",
       R"("content":{},"audience":{"any":[{"not":{"attribute":"t","op":"lt","value":"2026-11-20T10:30:60Z"}}]})",
       R"("content":{},"audience":{"attribute":"acct","op":"eq","value":18446744073709551615})",
       R"("content":{},"audience":{"attribute":"acct","op":"in","value":[1,-99999999999999999999]})"}) {
    auto r = read(members);
    CAF_CHECK(r.stored.empty());
    CAF_CHECK_EQUAL(r.incoming.size(), 1u);
  }
  for (const auto* percent : {"0", "0.01", "0.07", "0.29", "12.34", "33.30", "99.99", "100", "1e1", "57.00"})
    CAF_CHECK(read(std::string{R"("content":{},"rollout":{"percent":)"} + percent + "}").incoming.empty());
}

CAF_TEST(settings) {
  const std::string text = R"({"min_gap":"30m","quiet_hours":null,"holdout_percent":12.345})";
  json::document doc;
  CAF_REQUIRE(!json::parse(text, doc));
  json::field_errors stored;
  CAF_CHECK_EQUAL(parse_settings(doc, stored).holdout_percent, 12.345);
  CAF_CHECK(stored.empty());
  json::field_errors incoming;
  check_incoming_settings(doc, incoming);
  CAF_REQUIRE_EQUAL(incoming.size(), 1u);
  CAF_CHECK_EQUAL(incoming.front().pointer, "/holdout_percent");
}
