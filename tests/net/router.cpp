#define CAF_SUITE net.router

#include "net/router.hpp"

#include <caf/test/unit_test.hpp>

#include <stdexcept>
#include <string>
#include <vector>

using namespace beckon::net;
using kind = route_match::kind;

namespace {

using params_type = std::vector<std::pair<std::string_view, std::string>>;

router make_router() {
  router r;
  r.add({http_method::get, "/"});                      // 0
  r.add({http_method::get, "/v1/popups"});             // 1
  r.add({http_method::post, "/v1/popups"});            // 2
  r.add({http_method::get, "/v1/popups/{id}"});        // 3
  r.add({http_method::del, "/v1/popups/{id}"});        // 4
  r.add({http_method::post, "/v1/popups/validate"});   // 5
  r.add({http_method::get, "/v1/popups/{id}/stats"});  // 6
  r.add({http_method::get, "/v1/{kind}/first/{id}"});  // 7
  r.add({http_method::get, "/v1/popups/{id}/{part}"}); // 8
  r.add({http_method::get, "/v1/popups/live"});        // 9
  return r;
}

/// The outcome in one line: "found 3 id=x", "options ALLOW", "405 ALLOW", "404", "501".
std::string outcome(const router& r, http_method method, std::string_view path) {
  params_type params;
  const auto m = r.match(method, path, params);
  switch (m.what) {
  case kind::found: {
    auto text = "found " + std::to_string(m.route);
    for (const auto& [name, value] : params)
      text.append(" ").append(name).append("=").append(value);
    return text;
  }
  case kind::options:
    return "options " + m.allow;
  case kind::method_not_allowed:
    return "405 " + m.allow;
  case kind::not_implemented:
    return "501";
  case kind::not_found:
    return "404";
  }
  return "?";
}

bool is_refused(http_method method, std::string pattern) {
  router r = make_router();
  const auto before = r.size();
  try {
    r.add({method, std::move(pattern)});
  } catch (const std::invalid_argument&) {
    return r.size() == before;
  }
  return false;
}

} // namespace

CAF_TEST(paths) {
  const auto r = make_router();
  const auto get = [&](std::string_view path) { return outcome(r, http_method::get, path); };
  CAF_CHECK_EQUAL(get("/"), "found 0");
  CAF_CHECK_EQUAL(get("/v1/popups"), "found 1");
  CAF_CHECK_EQUAL(get("/v1/popups/a b"), "found 3 id=a b");
  CAF_CHECK_EQUAL(get("/v1/popups/a/stats"), "found 6 id=a");
  CAF_CHECK_EQUAL(get("/v1/popups/a/b"), "found 8 id=a part=b");
  CAF_CHECK_EQUAL(get("/v1/users/first/b"), "found 7 kind=users id=b");
  CAF_CHECK_EQUAL(get("/v1"), "404");
  CAF_CHECK_EQUAL(get("/v1/popups/"), "404"); // a parameter takes no empty segment
  CAF_CHECK_EQUAL(get("/v1/popups//stats"), "404");
  CAF_CHECK_EQUAL(get("//v1/popups"), "404");
  CAF_CHECK_EQUAL(get("/V1/popups"), "404");
  CAF_CHECK_EQUAL(get("/v1/popupsx"), "404");
  std::string deep;
  for (int i = 0; i < 100; ++i)
    deep += "/a";
  CAF_CHECK_EQUAL(get(deep), "404");
}

CAF_TEST(literals win over parameters) {
  const auto r = make_router();
  CAF_CHECK_EQUAL(outcome(r, http_method::get, "/v1/popups/live"), "found 9");
  CAF_CHECK_EQUAL(outcome(r, http_method::post, "/v1/popups/validate"), "found 5");
  // The literal route has no GET, so the parameter route answers it.
  CAF_CHECK_EQUAL(outcome(r, http_method::get, "/v1/popups/validate"), "found 3 id=validate");
  // The first differing segment decides, not the number of literals.
  CAF_CHECK_EQUAL(outcome(r, http_method::get, "/v1/popups/first/x"), "found 8 id=first part=x");
  router s;
  s.add({http_method::get, "/{a}/b/c"});
  s.add({http_method::get, "/a/{b}/{c}"});
  CAF_CHECK_EQUAL(outcome(s, http_method::get, "/a/b/c"), "found 1 b=b c=c");
}

CAF_TEST(head is served by get) {
  auto r = make_router();
  CAF_CHECK_EQUAL(outcome(r, http_method::head, "/v1/popups/a"), "found 3 id=a");
  CAF_CHECK_EQUAL(outcome(r, http_method::head, "/nowhere"), "404");
  r.add({http_method::head, "/v1/popups/{id}"});
  CAF_CHECK_EQUAL(outcome(r, http_method::head, "/v1/popups/a"), "found 10 id=a");
  CAF_CHECK_EQUAL(outcome(r, http_method::get, "/v1/popups/a"), "found 3 id=a");
  router only_post;
  only_post.add({http_method::post, "/a"});
  CAF_CHECK_EQUAL(outcome(only_post, http_method::head, "/a"), "405 POST, OPTIONS");
}

CAF_TEST(other methods) {
  const auto r = make_router();
  CAF_CHECK_EQUAL(outcome(r, http_method::options, "/v1/popups"), "options GET, HEAD, POST, OPTIONS");
  CAF_CHECK_EQUAL(outcome(r, http_method::options, "/v1/popups/a"), "options GET, HEAD, DELETE, OPTIONS");
  CAF_CHECK_EQUAL(outcome(r, http_method::options, "*"), "options GET, HEAD, POST, DELETE, OPTIONS");
  CAF_CHECK_EQUAL(outcome(r, http_method::options, "/nowhere"), "404");
  CAF_CHECK_EQUAL(outcome(r, http_method::put, "/v1/popups"), "405 GET, HEAD, POST, OPTIONS");
  CAF_CHECK_EQUAL(outcome(r, http_method::trace, "/v1/popups"), "405 GET, HEAD, POST, OPTIONS");
  CAF_CHECK_EQUAL(outcome(r, http_method::trace, "/nowhere"), "404");
  CAF_CHECK_EQUAL(outcome(r, http_method::connect, "/v1/popups"), "405 GET, HEAD, POST, OPTIONS");
  CAF_CHECK_EQUAL(outcome(r, http_method::connect, ""), "405 GET, HEAD, POST, DELETE, OPTIONS");
  CAF_CHECK_EQUAL(outcome(r, http_method::unknown, "/v1/popups"), "501");
  CAF_CHECK_EQUAL(outcome(r, http_method::unknown, "/nowhere"), "501");
}

CAF_TEST(an options route of its own) {
  router r;
  r.add({http_method::options, "/a"});
  CAF_CHECK_EQUAL(outcome(r, http_method::options, "/a"), "found 0");
}

CAF_TEST(params hold only what the last match put there) {
  const auto r = make_router();
  params_type params{{"old", "value"}};
  r.match(http_method::get, "/v1/popups/a", params);
  CAF_REQUIRE_EQUAL(params.size(), 1u);
  CAF_CHECK_EQUAL(params[0].second, "a");
}

CAF_TEST(bad patterns are programming errors) {
  CAF_CHECK(is_refused(http_method::get, ""));
  CAF_CHECK(is_refused(http_method::get, "v1"));
  CAF_CHECK(is_refused(http_method::get, "/a/"));
  CAF_CHECK(is_refused(http_method::get, "/a//b"));
  CAF_CHECK(is_refused(http_method::get, "/{}"));
  CAF_CHECK(is_refused(http_method::get, "/{a"));
  CAF_CHECK(is_refused(http_method::get, "/a}"));
  CAF_CHECK(is_refused(http_method::get, "/x{a}"));
  CAF_CHECK(is_refused(http_method::get, "/{a}{b}"));
  CAF_CHECK(is_refused(http_method::get, "/{a}/{a}"));
  CAF_CHECK(is_refused(http_method::get, "/v1/popups"));
  CAF_CHECK(is_refused(http_method::get, "/v1/popups/{other}"));
  CAF_CHECK(is_refused(http_method::unknown, "/b"));
  CAF_CHECK(is_refused(http_method::trace, "/b"));
  CAF_CHECK(!is_refused(http_method::patch, "/v1/popups"));
}
