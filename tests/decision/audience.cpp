#define CAF_SUITE decision.audience

#include "scenario.hpp"

#include <caf/test/unit_test.hpp>

using namespace beckon;
using namespace beckon::decision;
using namespace beckon::decision::scenario;

namespace {

struct fixture {
  attributes context = make_attributes(R"({"app_version":"3.2.1","platform":"ios"})");
  attributes request = make_attributes(R"({"plan":"free","age":30})");
  attributes profile = make_attributes(
      R"({"plan":"gold","country":"CH","score":1.0,"big":9007199254740993,)"
      R"("yes":true,"since":"2026-01-01T00:00:00Z",)"
      R"("tags":["a","b",3],"none":[],"ip":"10.1.2.3","mail":"Ann@Example.ORG","context.platform":"web"})");
  user_state state;
  facts f{&context, &request, &profile, &state, now_ms};

  fixture() { state.touch("x") = {"x", 2, now_ms - 2 * day_ms, now_ms - day_ms, 0, 0}; }

  bool holds(const std::string& rule) {
    json::field_errors errors;
    auto compiled = compile_audience(document_of(rule), {}, errors);
    if (!errors.empty())
      CAF_ERROR(rule << " is refused: " << text_of(errors));
    return compiled.matches(f);
  }

  bool leaf(const std::string& attribute, const std::string& op, const std::string& value) {
    return holds(R"({"attribute":")" + attribute + R"(","op":")" + op + R"(","value":)" + value + "}");
  }

  void check(const std::string& attribute, const std::string& op, const std::string& value, bool expected) {
    if (leaf(attribute, op, value) != expected)
      CAF_ERROR(attribute << " " << op << " " << value << " must be " << expected);
  }
};

std::string refused(const std::string& rule) {
  json::field_errors errors;
  auto compiled = compile_audience(document_of(rule), {}, errors);
  CAF_CHECK(errors.empty() || compiled.empty());
  return text_of(errors);
}

std::string nested(size_t depth) {
  std::string result = R"({"attribute":"a","op":"exists"})";
  for (size_t i = 1; i < depth; ++i)
    result = R"({"not":)" + result + "}";
  return result;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(audience_tests, fixture)

CAF_TEST(equality) {
  check("plan", "eq", R"("free")", true); // the request lies over the profile
  check("plan", "eq", R"("gold")", false);
  check("country", "eq", R"("CH")", true);
  check("country", "eq", R"("ch")", false);
  check("score", "eq", "1", true);
  check("age", "eq", "30.0", true);
  check("big", "eq", "9007199254740993", true);
  check("big", "eq", "9007199254740992.0", false);
  check("yes", "eq", "true", true);
  check("yes", "eq", "1", false);
  check("age", "eq", R"("30")", false);
  check("tags", "eq", R"("a")", false);
  check("absent", "eq", R"("x")", false);
  check("plan", "ne", R"("gold")", true);
  check("plan", "ne", R"("free")", false);
  check("plan", "ne", "5", true);
  check("absent", "ne", R"("x")", true);
  check("plan", "in", R"(["trial","free"])", true);
  check("score", "in", R"(["x",1])", true);
  check("plan", "in", R"(["trial"])", false);
  check("absent", "in", R"(["trial"])", false);
  check("plan", "not_in", R"(["trial"])", true);
  check("plan", "not_in", R"(["free"])", false);
  check("absent", "not_in", R"(["free"])", true);
}

CAF_TEST(existence) {
  CAF_CHECK(holds(R"({"attribute":"none","op":"exists"})"));
  CAF_CHECK(!holds(R"({"attribute":"absent","op":"exists"})"));
  CAF_CHECK(!holds(R"({"attribute":"plan","op":"not_exists"})"));
  CAF_CHECK(holds(R"({"attribute":"absent","op":"not_exists"})"));
}

CAF_TEST(order) {
  check("age", "lt", "30", false);
  check("age", "le", "30", true);
  check("age", "lt", "30.5", true);
  check("age", "gt", "29", true);
  check("age", "ge", "30", true);
  check("age", "gt", "30", false);
  check("big", "gt", "9007199254740992.0", true);
  check("since", "lt", R"("2026-01-01T01:00:00Z")", true);
  check("since", "ge", R"("2026-01-01T01:00:00+01:00")", true);
  check("since", "gt", R"("2026-01-01T01:00:00+01:00")", false);
  for (const auto* op : {"lt", "le", "gt", "ge"}) {
    check("plan", op, "5", false);
    check("age", op, R"("2026-01-01T01:00:00Z")", false);
    check("plan", op, R"("2026-01-01T01:00:00Z")", false);
    check("yes", op, "0", false);
    check("tags", op, "0", false);
    check("absent", op, "0", false);
  }
}

CAF_TEST(text) {
  check("mail", "starts_with", R"("Ann@")", true);
  check("mail", "starts_with", R"("ann@")", false);
  check("mail", "starts_with_ci", R"("aNN@")", true);
  check("mail", "ends_with", R"(".ORG")", true);
  check("mail", "ends_with", R"(".org")", false);
  check("mail", "ends_with_ci", R"(".Org")", true);
  check("mail", "contains", R"("@Exam")", true);
  check("mail", "contains", R"("@exam")", false);
  check("mail", "contains_ci", R"("@EXAM")", true);
  check("plan", "starts_with", R"("freedom")", false);
  check("plan", "ends_with", R"("a free")", false);
  check("age", "contains", R"("3")", false);
  check("absent", "contains", R"("x")", false);
  check("mail", "matches", R"("^[A-Z][a-z]+@.*\\.ORG$")", true);
  check("mail", "matches", R"("ample")", true);
  check("mail", "matches", R"("^ample")", false);
  check("mail", "matches", R"("(?i)EXAMPLE\\.org")", true);
  check("age", "matches", R"("3")", false);
}

CAF_TEST(versions and networks) {
  check("context.app_version", "semver_eq", R"("3.2.1+5")", true);
  check("context.app_version", "semver_lt", R"("3.10.0")", true);
  check("context.app_version", "semver_le", R"("3.2.1")", true);
  check("context.app_version", "semver_gt", R"("3.2.1-rc.1")", true);
  check("context.app_version", "semver_ge", R"("3.3")", false);
  for (const auto* op : {"semver_eq", "semver_lt", "semver_le", "semver_gt", "semver_ge"}) {
    check("plan", op, R"("1.0.0")", false);
    check("age", op, R"("30.0.0")", false);
    check("absent", op, R"("1.0.0")", false);
  }
  check("ip", "cidr", R"("10.0.0.0/8")", true);
  check("ip", "cidr", R"(["192.168.0.0/16","10.1.2.3"])", true);
  check("ip", "cidr", R"(["192.168.0.0/16","2001:db8::/32"])", false);
  check("plan", "cidr", R"("0.0.0.0/0")", false);
  check("absent", "cidr", R"("0.0.0.0/0")", false);
}

CAF_TEST(lists) {
  check("tags", "any_of", R"(["x","b"])", true);
  check("tags", "any_of", "[3.0]", true);
  check("tags", "any_of", R"(["x"])", false);
  check("tags", "all_of", R"(["a",3])", true);
  check("tags", "all_of", R"(["a","x"])", false);
  check("tags", "none_of", R"(["x","y"])", true);
  check("tags", "none_of", R"(["x","a"])", false);
  check("none", "any_of", R"(["a"])", false);
  check("none", "none_of", R"(["a"])", true);
  check("plan", "any_of", R"(["free"])", false);
  check("absent", "any_of", R"(["a"])", false);
  check("absent", "all_of", R"(["a"])", false);
  check("absent", "none_of", R"(["a"])", true);
}

CAF_TEST(what the user did with a popup) {
  CAF_CHECK(holds(R"({"op":"seen","popup":"x"})"));
  CAF_CHECK(holds(R"({"op":"clicked","popup":"x"})"));
  CAF_CHECK(!holds(R"({"op":"dismissed","popup":"x"})"));
  CAF_CHECK(!holds(R"({"op":"converted","popup":"x"})"));
  CAF_CHECK(!holds(R"({"op":"seen","popup":"y"})"));
  CAF_CHECK(holds(R"({"op":"seen","popup":"x","within":"2d"})"));
  CAF_CHECK(!holds(R"({"op":"seen","popup":"x","within":"47h"})"));
  CAF_CHECK(holds(R"({"op":"clicked","popup":"x","within":"24h"})"));
  f.state = nullptr;
  CAF_CHECK(!holds(R"({"op":"seen","popup":"x"})"));
}

CAF_TEST(context names stand in the context only) {
  check("context.platform", "eq", R"("ios")", true);
  f.context = nullptr;
  check("context.platform", "eq", R"("web")", false);
  f = {};
  check("plan", "eq", R"("free")", false);
  check("plan", "ne", R"("free")", true);
}

CAF_TEST(combinations) {
  const std::string yes = R"({"attribute":"plan","op":"eq","value":"free"})";
  const std::string no = R"({"attribute":"plan","op":"eq","value":"x"})";
  CAF_CHECK(holds(R"({"all":[)" + yes + "," + yes + "]}"));
  CAF_CHECK(!holds(R"({"all":[)" + yes + "," + no + "]}"));
  CAF_CHECK(holds(R"({"any":[)" + no + "," + yes + "]}"));
  CAF_CHECK(!holds(R"({"any":[)" + no + "," + no + "]}"));
  CAF_CHECK(holds(R"({"not":)" + no + "}"));
  CAF_CHECK(!holds(R"({"not":{"any":[)" + yes + "]}}"));
  CAF_CHECK(audience_rule{}.matches(f));
}

CAF_TEST(wrong rules are named by their pointer) {
  struct row {
    std::string rule;
    std::string starts;
  };
  std::vector<row> rows = {
      {"5", ": must be a JSON object"},
      {"{}", "/op: is required"},
      {R"({"all":[]})", "/all: must be an array"},
      {R"({"all":{}})", "/all: must be an array"},
      {R"({"all":[{"attribute":"a","op":"exists"},{"attribute":"a","op":"eqq","value":1}]})",
       "/all/1/op: there is no operator \"eqq\"; did you mean \"eq\"?"},
      {R"({"any":[{"not":{"attribute":"a","op":"in","value":"x"}}]})", "/any/0/not/value: must be an array"},
      {R"({"all":[{"attribute":"a","op":"exists"}],"any":[]})", "/any: is not a known member"},
      {R"({"attribute":"a","op":"exists","value":1})", "/value: is not a known member"},
      {R"({"attribute":"","op":"exists"})", "/attribute: must be 1 to 128"},
      {R"({"op":"exists"})", "/attribute: is required"},
      {R"({"attribute":"a","op":"eq"})", "/value: is required"},
      {R"({"attribute":"a","op":"eq","value":[1]})", "/value: must be a string, a number"},
      {R"({"attribute":"a","op":"in","value":[]})", "/value: must be an array"},
      {R"({"attribute":"a","op":"in","value":[1,null]})", "/value/1: must be"},
      {R"({"attribute":"a","op":"lt","value":"x"})", "/value: must be a number or an RFC 3339"},
      {R"({"attribute":"a","op":"lt","value":true})", "/value: must be a number or an RFC 3339"},
      {R"({"attribute":"a","op":"contains","value":5})", "/value: must be a string"},
      {R"({"attribute":"a","op":"contains","value":""})", "/value: must not be empty"},
      {R"({"attribute":"a","op":"matches","value":"a("})", "/value: is not a regular expression"},
      {R"({"attribute":"a","op":"matches","value":"(a{1000}){1000}"})",
       "/value: is not a regular expression"},
      {R"({"attribute":"a","op":"matches","value":"((\\pL{100}){100}){10}"})",
       "/value: is not a regular expression"},
      {R"({"attribute":"a","op":"matches","value":")" + std::string(513, 'a') + "\"}",
       "/value: a regular expression"},
      {R"({"attribute":"a","op":"semver_lt","value":"x"})", "/value: must be a version"},
      {R"({"attribute":"a","op":"cidr","value":"10.0.0.0/40"})", "/value: must be an IP network"},
      {R"({"attribute":"a","op":"cidr","value":["10.0.0.0/8",5]})", "/value/1: must be an IP network"},
      {R"({"attribute":"a","op":"segment","value":"x"})", "/op: there is no operator"},
      {R"({"op":"seen"})", "/popup: is required"},
      {R"({"op":"seen","popup":"x","within":"1 day"})", "/within: must be a duration"},
      {R"({"op":"seen","popup":"x","attribute":"a"})", "/attribute: is not a known member"},
      {R"({"atribute":"a","op":"exists"})",
       "/attribute: is required\n/atribute: is not a known member here; did"},
  };
  for (const auto& r : rows)
    CAF_CHECK_EQUAL(refused(r.rule).substr(0, r.starts.size()), r.starts);
}

CAF_TEST(depth and size are bounded) {
  CAF_CHECK_EQUAL(refused(nested(audience_depth_max)), "");
  CAF_CHECK(refused(nested(audience_depth_max + 1)).find("nested more than 10") != std::string::npos);
  std::string rule = R"({"all":[)";
  for (size_t i = 0; i + 2 < audience_nodes_max; ++i)
    rule += nested(1) + ",";
  CAF_CHECK_EQUAL(refused(rule + nested(1) + "]}"), "");
  CAF_CHECK(refused(rule + nested(2) + "]}").find("more than 200 parts") != std::string::npos);
}

CAF_TEST(the facts of a rule) {
  json::field_errors errors;
  auto rule = compile_audience(document_of(R"({"any":[{"attribute":"plan","op":"eq","value":"x"},
    {"not":{"attribute":"plan","op":"eq","value":"y"}},{"attribute":"absent","op":"exists"},
    {"attribute":"context.platform","op":"exists"},{"op":"seen","popup":"x"},{"op":"dismissed","popup":"x"}]})"),
                               {}, errors);
  CAF_CHECK_EQUAL(rule.facts_json(f), R"({"plan":"free","absent":null,"context.platform":"ios",)"
                                      R"("seen x":"2026-11-18T10:30:00.000Z","dismissed x":null})");
}

CAF_TEST_FIXTURE_SCOPE_END()
