#define CAF_SUITE net.message

#include "net/message.hpp"

#include <caf/test/unit_test.hpp>

#include <string>

using namespace beckon;
using namespace beckon::net;

namespace {

/// "a=1;b=2" of a query, or "refused".
std::string parsed(std::string_view query) {
  const auto pairs = parse_query(query);
  if (!pairs)
    return "refused";
  std::string out;
  for (const auto& [key, value] : *pairs)
    out += key + "=" + value + ";";
  return out;
}

} // namespace

CAF_TEST(queries) {
  CAF_CHECK_EQUAL(parsed(""), "");
  CAF_CHECK_EQUAL(parsed("a=1&b=2"), "a=1;b=2;");
  CAF_CHECK_EQUAL(parsed("a&b=&=c"), "a=;b=;=c;");
  CAF_CHECK_EQUAL(parsed("&a=1&&b=2&"), "a=1;b=2;");
  CAF_CHECK_EQUAL(parsed("a=1=2"), "a=1=2;");
  CAF_CHECK_EQUAL(parsed("a=1&a=2"), "a=1;a=2;");
  CAF_CHECK_EQUAL(parsed("a=b+c%20d%2Be"), "a=b c d+e;");
  CAF_CHECK_EQUAL(parsed("%61%3D=%26"), "a==&;");
  CAF_CHECK_EQUAL(parsed("u=%e2%82%ac"), "u=\xe2\x82\xac;");
  CAF_CHECK_EQUAL(parsed("a=%"), "refused");
  CAF_CHECK_EQUAL(parsed("a=%2"), "refused");
  CAF_CHECK_EQUAL(parsed("a=%2x"), "refused");
  CAF_CHECK_EQUAL(parsed("a=1&b=%zz"), "refused");
  CAF_CHECK_EQUAL(parsed("a=%c0%af"), "refused");
  CAF_CHECK_EQUAL(parsed("%ff=1"), "refused");
}

CAF_TEST(path parameters) {
  request r;
  r.params.emplace_back("id", "x");
  CAF_CHECK_EQUAL(std::string{r.param("id")}, "x");
  CAF_CHECK(r.param("other").empty());
}

CAF_TEST(problem documents) {
  const auto plain = make_problem(404, "Nothing is \"here\".");
  CAF_CHECK_EQUAL(plain.status, 404);
  CAF_CHECK_EQUAL(std::string{plain.content_type}, "application/problem+json");
  CAF_CHECK_EQUAL(plain.body, R"({"type":"about:blank","title":"Not Found","status":404,)"
                              R"("detail":"Nothing is \"here\"."})");
  const auto listed = make_problem(422, "x", {{"/a", "bad"}, {"/b/0", "worse"}});
  CAF_CHECK_EQUAL(listed.body,
                  R"({"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"x",)"
                  R"("errors":[{"pointer":"/a","detail":"bad"},{"pointer":"/b/0","detail":"worse"}]})");
  const auto echo = make_problem(400, "bad \xff byte");
  CAF_CHECK(echo.body.find("bad ? byte") != std::string::npos);
}

CAF_TEST(unavailable says when to come back) {
  const auto r = make_unavailable("busy", 7);
  CAF_CHECK_EQUAL(r.status, 503);
  CAF_REQUIRE_EQUAL(r.headers.size(), 1u);
  CAF_CHECK_EQUAL(std::string{r.headers[0].first}, "Retry-After");
  CAF_CHECK_EQUAL(r.headers[0].second, "7");
}

CAF_TEST(every status in use has its phrase) {
  CAF_CHECK_EQUAL(std::string{status_text(200)}, "OK");
  CAF_CHECK_EQUAL(std::string{status_text(431)}, "Request Header Fields Too Large");
  CAF_CHECK(!status_text(499).empty());
  CAF_CHECK(!status_text(599).empty());
}
