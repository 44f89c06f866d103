#define CAF_SUITE decision.semver

#include "decision/semver.hpp"

#include <caf/test/unit_test.hpp>

#include <vector>

using namespace beckon::decision;

CAF_TEST(versions stand in their order) {
  std::vector<std::string> ordered = {
      "0.0.0-0",
      "0.0.0",
      "0.9.10",
      "1.0.0-0",
      "1.0.0-9",
      "1.0.0-10",
      "1.0.0-alpha",
      "1.0.0-alpha.1",
      "1.0.0-alpha.beta",
      "1.0.0-beta",
      "1.0.0-beta.2",
      "1.0.0-beta.11",
      "1.0.0-rc.1",
      "1.0.0",
      "1.0.1-x",
      "1.0.1",
      "1.2.0",
      "1.10.0",
      "2.0.0",
      "10.0.0",
      "10.0.999999999999999999",
      "10.0.1000000000000000000",
      "10.0.100000000000000000000",
      "10.0.100000000000000000001",
      "20260101120000000000.0.0-beta.20260101120000000000",
      "20260101120000000000.0.0-beta.20260101120000000001",
      "20260101120000000000.0.0-beta.100000000000000000000",
      "20260101120000000000.0.0",
  };
  for (size_t i = 0; i < ordered.size(); ++i)
    for (size_t j = 0; j < ordered.size(); ++j) {
      auto a = parse_semver(ordered[i]);
      auto b = parse_semver(ordered[j]);
      CAF_REQUIRE(a && b);
      auto c = compare(*a, *b);
      if ((c < 0) != (i < j) || (c == 0) != (i == j))
        CAF_ERROR(ordered[i] << " and " << ordered[j] << " compare as " << c);
    }
}

CAF_TEST(build metadata and missing parts) {
  CAF_CHECK_EQUAL(compare(*parse_semver("1.2.3+build.01"), *parse_semver("1.2.3")), 0);
  CAF_CHECK_EQUAL(compare(*parse_semver("1.2"), *parse_semver("1.2.0")), 0);
  CAF_CHECK_EQUAL(compare(*parse_semver("1-rc.1+x-y"), *parse_semver("1.0.0-rc.1")), 0);
}

CAF_TEST(a leading v is no part of the version) {
  CAF_REQUIRE(parse_semver("v1.2.3"));
  CAF_CHECK_EQUAL(compare(*parse_semver("v1.2.3-rc.1"), *parse_semver("1.2.3-rc.1")), 0);
  CAF_CHECK_EQUAL(compare(*parse_semver("V2"), *parse_semver("2.0.0")), 0);
}

CAF_TEST(an invalid version is refused) {
  for (const auto* text :
       {"", ".", "1.", "1..2", "1.2.3.4", "v", "vv1.2.3", "v 1.2.3", "1.v2.3", "01.2.3", "1.2.3-",
        "1.2.3-a..b", "1.2.3-01", "1.2.3+", "1.2.3-ü", "1.2.x", "-1", "1.2.3 ", "1.2.3-a_b"})
    if (parse_semver(text))
      CAF_ERROR("accepted: " << text);
}
