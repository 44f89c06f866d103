#define CAF_SUITE apps.log
#include "apps/beckon/serve/log.hpp"

#include "json/json.hpp"

#include <caf/test/unit_test.hpp>

#include <string>

using namespace beckon::apps;

namespace {

constexpr int64_t moment_ms = 1'795'168'800'123; // 2026-11-20T10:00:00.123Z

} // namespace

CAF_TEST(a text line has time and level and message and fields) {
  CAF_CHECK_EQUAL(
      format_text(moment_ms, "info", join_fields("ready", {{"port", "80"}, {"store", "sqlite a b"}})),
      "2026-11-20T10:00:00.123Z info  ready port=80 store=\"sqlite a b\"");
  CAF_CHECK_EQUAL(format_text(moment_ms, "error", "plain"), "2026-11-20T10:00:00.123Z error plain");
  CAF_CHECK_EQUAL(format_text(moment_ms, "warn", join_fields("m", {{"a", ""}, {"b", "x\"y\\z"}})),
                  "2026-11-20T10:00:00.123Z warn  m a=\"\" b=\"x\\\"y\\\\z\"");
}

CAF_TEST(a message cannot forge a line or steer a terminal) {
  auto line = format_text(moment_ms, "info", join_fields("a\nb", {{"k", "c\r\nd \x1b[31m"}}));
  CAF_CHECK_EQUAL(line, "2026-11-20T10:00:00.123Z info  a\\x0ab k=\"c\\x0d\\x0ad \\x1b[31m\"");
}

CAF_TEST(a value cannot add a field) {
  auto line = format_json(moment_ms, "info",
                          join_fields("m", {{"k", "v\x1F"
                                                  "level\x1E"
                                                  "error"}}));
  CAF_CHECK_EQUAL(line,
                  R"({"time":"2026-11-20T10:00:00.123Z","level":"info","message":"m","k":"v level error"})");
}

CAF_TEST(numbers stay numbers in a JSON line and texts stay texts) {
  CAF_CHECK_EQUAL(
      format_json(moment_ms, "info",
                  join_fields("m", {{"pid", 17}, {"took_ms", int64_t{-3}}, {"name", "17"}})),
      R"({"time":"2026-11-20T10:00:00.123Z","level":"info","message":"m","pid":17,"took_ms":-3,"name":"17"})");
  CAF_CHECK_EQUAL(format_text(moment_ms, "info", join_fields("m", {{"pid", 17}})),
                  "2026-11-20T10:00:00.123Z info  m pid=17");
}

CAF_TEST(a JSON line is valid JSON whatever is in it) {
  for (const std::string text : {"plain", "a\"b\\c\n\t", "\xFF\xFE broken", "Grüße"}) {
    beckon::json::document doc;
    auto bad = beckon::json::parse(format_json(moment_ms, "info", join_fields(text, {{"k", text}})), doc);
    CAF_REQUIRE(!bad);
    CAF_CHECK(doc["message"].IsString() && doc["k"].IsString());
  }
}
