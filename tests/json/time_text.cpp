#define CAF_SUITE json.time_text

#include "json/time_text.hpp"

#include <caf/test/unit_test.hpp>

#include <vector>

using namespace beckon;

CAF_TEST(times are read) {
  struct row {
    std::string text;
    int64_t ms;
  };
  std::vector<row> rows = {
      {"1970-01-01T00:00:00Z", 0},
      {"1970-01-01T00:00:00.001Z", 1},
      {"1969-12-31T23:59:59.999Z", -1},
      {"2026-11-20T10:30:00.000Z", 1795170600000},
      {"2026-11-20t10:30:00z", 1795170600000},
      {"2026-11-20T12:30:00+02:00", 1795170600000},
      {"2026-11-20T05:00:00-05:30", 1795170600000},
      {"2026-11-20T10:30:00.123456789Z", 1795170600123},
      {"2026-11-20T10:30:00.1Z", 1795170600100},
      {"2024-02-29T00:00:00Z", 1709164800000},
      {"2000-02-29T00:00:00Z", 951782400000},
      {"2016-12-31T23:59:60Z", 1483228799999},
      {"2016-12-31T23:59:60.5Z", 1483228799999},
      {"2017-01-01T05:29:60+05:30", 1483228799999},
      {"2016-12-31T15:59:60-08:00", 1483228799999},
      {"2015-06-30T23:59:60Z", 1435708799999},
      {"2026-11-20T10:30:00.1239999999999999999999999999999999Z", 1795170600123},
      {"2026-11-20T10:30:00.12345678901Z", 1795170600123},
      {"0000-01-01T00:00:00Z", -62167219200000},
      {"9999-12-31T23:59:59.999Z", 253402300799999},
  };
  for (const auto& r : rows) {
    auto ms = json::parse_rfc3339_ms(r.text);
    if (!ms)
      CAF_ERROR("refused: " << r.text);
    else
      CAF_CHECK_EQUAL(*ms, r.ms);
  }
}

CAF_TEST(an invalid time is refused) {
  std::vector<std::string> rows = {
      "",
      "2026",
      "2026-11-20",
      "2026-11-20T10:30:00",
      "2026-11-20T10:30Z",
      "2026-13-01T00:00:00Z",
      "2026-00-01T00:00:00Z",
      "2026-01-00T00:00:00Z",
      "2026-01-32T00:00:00Z",
      "2026-02-30T00:00:00Z",
      "2025-02-29T00:00:00Z",
      "1900-02-29T00:00:00Z",
      "2026-04-31T00:00:00Z",
      "2026-11-20T24:00:00Z",
      "2026-11-20T10:60:00Z",
      "2026-11-20T10:30:61Z",
      "2026-11-20T10:30:00.Z",
      "2026-11-20T10:30:60Z",
      "2016-12-31T23:58:60Z",
      "2016-12-31T22:59:60Z",
      "2016-12-30T23:59:60Z",
      "2016-12-31T23:59:60+01:00",
      "2017-01-01T05:29:60Z",
      "2016-03-31T23:59:60Z",
      "2016-12-31T23:59:61Z",
      "2026-11-20T10:30:00.Z",
      "2026-11-20T10:30:00+0200",
      "2026-11-20T10:30:00+24:00",
      "2026-11-20T10:30:00+01:60",
      "2026-11-20T10:30:00ZZ",
      "2026-11-20T10:30:00Z ",
      " 2026-11-20T10:30:00Z",
      "2026-11-20 10:30:00Z",
      "+026-11-20T10:30:00Z",
      "2026-1-20T10:30:00Z1",
      "12026-11-20T10:30:00Z",
      "0000-01-01T00:00:00+00:01",
      "9999-12-31T23:59:59-00:01",
      "2026-11-20T10:30:00,5Z",
      "2026/11/20T10:30:00Z",
  };
  for (const auto& text : rows)
    if (json::parse_rfc3339_ms(text))
      CAF_ERROR("accepted: " << text);
}

CAF_TEST(every day of ten thousand years is written and read again) {
  constexpr int64_t day_ms = 86'400'000;
  int64_t bad = 0;
  for (int64_t ms = -62167219200000; ms <= 253402300799999; ms += day_ms)
    bad += json::parse_rfc3339_ms(json::format_rfc3339(ms + 45'296'789)) == ms + 45'296'789 ? 0 : 1;
  CAF_CHECK_EQUAL(bad, 0);
}

CAF_TEST(times are written) {
  CAF_CHECK_EQUAL(json::format_rfc3339(1795170600000), "2026-11-20T10:30:00.000Z");
  CAF_CHECK_EQUAL(json::format_rfc3339(-1), "1969-12-31T23:59:59.999Z");
  CAF_CHECK_EQUAL(json::format_rfc3339(INT64_MAX), "9999-12-31T23:59:59.999Z");
  CAF_CHECK_EQUAL(json::format_rfc3339(INT64_MIN), "0000-01-01T00:00:00.000Z");
  std::string out(json::rfc3339_bytes + 1, '#');
  json::write_rfc3339(out.data(), 951782400007);
  CAF_CHECK_EQUAL(out, "2000-02-29T00:00:00.007Z#");
}

CAF_TEST(durations are read) {
  CAF_CHECK(json::parse_duration_ms("500ms") == 500);
  CAF_CHECK(json::parse_duration_ms("90s") == 90'000);
  CAF_CHECK(json::parse_duration_ms("30m") == 1'800'000);
  CAF_CHECK(json::parse_duration_ms("24h") == 86'400'000);
  CAF_CHECK(json::parse_duration_ms("7d") == 604'800'000);
  CAF_CHECK(json::parse_duration_ms("2w") == 1'209'600'000);
  CAF_CHECK(json::parse_duration_ms("3650d") == 315'360'000'000);
  for (const auto* bad : {"", "s", "90", "0s", "-1s", "+1s", "1.5h", "1 h", " 1h", "1h ", "1H", "1y", "01h",
                          "1h30m", "3651d", "99999999999999999999d", "9223372036854775807w", "1min"})
    if (json::parse_duration_ms(bad))
      CAF_ERROR("accepted: " << bad);
}

CAF_TEST(durations are written in the shortest exact form) {
  CAF_CHECK_EQUAL(json::format_duration(86'400'000), "1d");
  CAF_CHECK_EQUAL(json::format_duration(90'000), "90s");
  CAF_CHECK_EQUAL(json::format_duration(604'800'000), "7d");
  CAF_CHECK_EQUAL(json::format_duration(1'209'600'000), "2w");
  CAF_CHECK_EQUAL(json::format_duration(1'800'000), "30m");
  CAF_CHECK_EQUAL(json::format_duration(1'001), "1001ms");
  CAF_CHECK_EQUAL(json::format_duration(0), "0s");
  for (int64_t ms = 1; ms < 315'360'000'000; ms = ms * 3 + 1)
    CAF_CHECK(json::parse_duration_ms(json::format_duration(ms)) == ms);
}
