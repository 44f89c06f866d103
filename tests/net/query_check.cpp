#define CAF_SUITE net.query_check

#include "net/query_check.hpp"

#include <caf/test/unit_test.hpp>

#include <string>

using namespace beckon::net;

namespace {

const query_names known{{"user", "dry_run"}, {"placement"}};

/// The refusal's body; empty when the query is let pass.
std::string refusal(std::string_view query, const query_names& names = known) {
  const auto r = refuse_query(names, query);
  if (r)
    CAF_CHECK_EQUAL(r->status, 422);
  return r ? r->body : std::string{};
}

bool names(std::string_view query, const std::string& pointer, const query_names& of = known) {
  return refusal(query, of).find("{\"pointer\":\"" + pointer + "\"") != std::string::npos;
}

} // namespace

CAF_TEST(what a route takes is let pass) {
  for (const auto* query : {"", "&", "user=u", "user", "user=u&placement=a&placement=b&dry_run=banana",
                            "%75ser=u&dry%5Frun=true"})
    CAF_CHECK_EQUAL(refusal(query), "");
  CAF_CHECK_EQUAL(refusal("what=ever&what=ever&%zz", {{}, {}, true}), "");
  CAF_CHECK_EQUAL(refusal("", {}), "");
}

CAF_TEST(anything else is named) {
  CAF_CHECK(names("usr=u", "/usr"));
  CAF_CHECK(refusal("usr=u").find("did you mean \\\"user\\\"?") != std::string::npos);
  CAF_CHECK(names("User=u", "/User"));
  CAF_CHECK(names("=u", "/"));
  CAF_CHECK(names("user=u&x&y=2", "/x"));
  CAF_CHECK(names("user=u&x&y=2", "/y"));
  CAF_CHECK(names("dry_run=true", "/dry_run", {}));
  CAF_CHECK(names("a%2Fb=1", "/a~1b"));
}

CAF_TEST(one that stands twice is named) {
  CAF_CHECK(names("user=a&user=a", "/user"));
  CAF_CHECK(names("user=a&dry_run=true&us%65r=b", "/user"));
}

CAF_TEST(a query that cannot be read is refused) {
  for (const auto* query : {"user=%zz", "%=1", "user=%ff", "user=%"})
    CAF_CHECK(names(query, ""));
}

CAF_TEST(the errors of a long query are bounded) {
  std::string query;
  for (int i = 0; i < 1000; ++i)
    query += "p" + std::to_string(i) + "&";
  CAF_CHECK_LESS(refusal(query).size(), 4096u);
}
