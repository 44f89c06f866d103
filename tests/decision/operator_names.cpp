#define CAF_SUITE decision.operator_names

#include "decision/audience.hpp"

#include <caf/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace beckon;

namespace {

std::string fault_of(const std::string& rule) {
  json::document doc;
  CAF_REQUIRE(!json::parse(rule, doc));
  json::field_errors errors;
  decision::compile_audience(doc, {}, errors);
  return errors.empty() ? "" : errors.front().pointer + ": " + errors.front().detail;
}

std::string hint(const std::string& op) {
  const auto fault = fault_of(R"({"attribute":"a","op":")" + op + R"(","value":"x"})");
  const auto end = fault.find("\"; ");
  return end == std::string::npos ? "" : fault.substr(end + 3);
}

} // namespace

CAF_TEST(names of other products lead to the operator that means the same) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"neq", "ne"},
      {"!=", "ne"},
      {"<>", "ne"},
      {"not_equals", "ne"},
      {"==", "eq"},
      {"equals", "eq"},
      {"$eq", "eq"},
      {"EQ", "eq"},
      {"gte", "ge"},
      {"$gte", "ge"},
      {">=", "ge"},
      {"geq", "ge"},
      {"lte", "le"},
      {"<=", "le"},
      {"leq", "le"},
      {">", "gt"},
      {"<", "lt"},
      {"lessThan", "lt"},
      {"nin", "not_in"},
      {"notIn", "not_in"},
      {"$nin", "not_in"},
      {"one_of", "in"},
      {"regex", "matches"},
      {"regexp", "matches"},
      {"match", "matches"},
      {"~", "matches"},
      {"startsWith", "starts_with"},
      {"begins_with", "starts_with"},
      {"endswith", "ends_with"},
      {"icontains", "contains_ci"},
      {"is_set", "exists"},
      {"is_null", "not_exists"},
      {"semver_gte", "semver_ge"},
      {"semver_lte", "semver_le"},
      {"SemVerGt", "semver_gt"},
      {"contain", "contains"},
      {"contians", "contains"},
      {"dismised", "dismissed"},
      {"eqq", "eq"},
  };
  for (const auto& [name, meant] : table)
    CAF_CHECK_EQUAL(name + ": " + hint(name), name + ": did you mean \"" + meant + "\"?");
}

CAF_TEST(where there is only the opposite a negation is proposed) {
  for (const auto* name : {"not_contains", "notContains", "ncontains", "does_not_contain"})
    CAF_CHECK_EQUAL(hint(name), "put 'not' around a condition with 'contains'");
  CAF_CHECK_EQUAL(hint("semver_neq"), "put 'not' around a condition with 'semver_eq'");
  CAF_CHECK_EQUAL(hint("not_matches"), "put 'not' around a condition with 'matches'");
}

CAF_TEST(a name that is near in letters only is not proposed) {
  for (const auto* name : {"ge2", "xt", "ln", "nn", "semver_xt", "semver_l", "ncontain", "uncontains",
                           "nclicked", "not_ends", "an_of", "non_of", "lx", "e"})
    CAF_CHECK_EQUAL(std::string{name} + hint(name).substr(0, 9), std::string{name} + "known are");
}

CAF_TEST(other names of all and any) {
  CAF_CHECK_EQUAL(fault_of(R"({"and":[]})"), "/and: is not a known member here; write \"all\"");
  CAF_CHECK_EQUAL(fault_of(R"({"any":[{"or":[]}]})"), "/any/0/or: is not a known member here; write \"any\"");
  CAF_CHECK_EQUAL(fault_of(R"({"none":[]})"),
                  "/none: is not a known member here; write \"not\" around \"any\"");
}

CAF_TEST(null is no value) {
  CAF_CHECK_EQUAL(fault_of(R"({"attribute":"a","op":"eq","value":null})"),
                  "/value: must not be null: null is no value");
  CAF_CHECK_EQUAL(fault_of(R"({"attribute":"a","op":"in","value":null})"),
                  "/value: must not be null: null is no value");
}
