#include "decision/operator_names.hpp"

#include "json/object_reader.hpp"

#include <algorithm>
#include <array>

namespace beckon::decision {

namespace {

struct other_name {
  std::string_view name; // as plain() makes it
  std::string_view meant;
  bool negated = false; // there is no such operator: its opposite within "not"
};

// Names of query languages, of feature flag services and of programming languages.
constexpr std::array others = {
    other_name{"=", "eq"},
    other_name{"==", "eq"},
    other_name{"===", "eq"},
    other_name{"equal", "eq"},
    other_name{"equals", "eq"},
    other_name{"equalto", "eq"},
    other_name{"is", "eq"},
    other_name{"exact", "eq"},
    other_name{"!=", "ne"},
    other_name{"!==", "ne"},
    other_name{"<>", "ne"},
    other_name{"neq", "ne"},
    other_name{"noteq", "ne"},
    other_name{"notequal", "ne"},
    other_name{"notequals", "ne"},
    other_name{"notequalto", "ne"},
    other_name{"doesnotequal", "ne"},
    other_name{"isnot", "ne"},
    other_name{"not", "ne"},
    other_name{"oneof", "in"},
    other_name{"isoneof", "in"},
    other_name{"isanyof", "in"},
    other_name{"isin", "in"},
    other_name{"inlist", "in"},
    other_name{"nin", "not_in"},
    other_name{"!in", "not_in"},
    other_name{"notinlist", "not_in"},
    other_name{"notoneof", "not_in"},
    other_name{"isnotoneof", "not_in"},
    other_name{"isset", "exists"},
    other_name{"present", "exists"},
    other_name{"ispresent", "exists"},
    other_name{"isnotnull", "exists"},
    other_name{"notnull", "exists"},
    other_name{"isnotset", "not_exists"},
    other_name{"notset", "not_exists"},
    other_name{"isnull", "not_exists"},
    other_name{"missing", "not_exists"},
    other_name{"absent", "not_exists"},
    other_name{"nexists", "not_exists"},
    other_name{"!exists", "not_exists"},
    other_name{"<", "lt"},
    other_name{"lessthan", "lt"},
    other_name{"less", "lt"},
    other_name{"before", "lt"},
    other_name{"<=", "le"},
    other_name{"=<", "le"},
    other_name{"lte", "le"},
    other_name{"leq", "le"},
    other_name{"max", "le"},
    other_name{"lessorequal", "le"},
    other_name{"lessthanorequal", "le"},
    other_name{"lessthanorequalto", "le"},
    other_name{"atmost", "le"},
    other_name{">", "gt"},
    other_name{"greaterthan", "gt"},
    other_name{"greater", "gt"},
    other_name{"morethan", "gt"},
    other_name{"after", "gt"},
    other_name{">=", "ge"},
    other_name{"=>", "ge"},
    other_name{"gte", "ge"},
    other_name{"geq", "ge"},
    other_name{"min", "ge"},
    other_name{"greaterorequal", "ge"},
    other_name{"greaterthanorequal", "ge"},
    other_name{"greaterthanorequalto", "ge"},
    other_name{"atleast", "ge"},
    other_name{"prefix", "starts_with"},
    other_name{"hasprefix", "starts_with"},
    other_name{"startwith", "starts_with"},
    other_name{"beginswith", "starts_with"},
    other_name{"suffix", "ends_with"},
    other_name{"hassuffix", "ends_with"},
    other_name{"endwith", "ends_with"},
    other_name{"contain", "contains"},
    other_name{"includes", "contains"},
    other_name{"include", "contains"},
    other_name{"substring", "contains"},
    other_name{"like", "contains"},
    other_name{"icontains", "contains_ci"},
    other_name{"ilike", "contains_ci"},
    other_name{"istartswith", "starts_with_ci"},
    other_name{"iendswith", "ends_with_ci"},
    other_name{"match", "matches"},
    other_name{"regex", "matches"},
    other_name{"regexp", "matches"},
    other_name{"rlike", "matches"},
    other_name{"~", "matches"},
    other_name{"=~", "matches"},
    other_name{"matchesregex", "matches"},
    other_name{"!~", "matches", true},
    other_name{"nregex", "matches", true},
    other_name{"notregex", "matches", true},
    other_name{"notmatch", "matches", true},
    other_name{"notmatches", "matches", true},
    other_name{"doesnotmatch", "matches", true},
    other_name{"ncontains", "contains", true},
    other_name{"notcontain", "contains", true},
    other_name{"notcontains", "contains", true},
    other_name{"doesnotcontain", "contains", true},
    other_name{"excludes", "contains", true},
    other_name{"notlike", "contains", true},
    other_name{"notstartswith", "starts_with", true},
    other_name{"doesnotstartwith", "starts_with", true},
    other_name{"notendswith", "ends_with", true},
    other_name{"doesnotendwith", "ends_with", true},
    other_name{"notcidr", "cidr", true},
    other_name{"ip", "cidr"},
    other_name{"insubnet", "cidr"},
    other_name{"ipinrange", "cidr"},
    other_name{"semver", "semver_eq"},
    other_name{"semverequal", "semver_eq"},
    other_name{"semverne", "semver_eq", true},
    other_name{"semverneq", "semver_eq", true},
    other_name{"semvernotequal", "semver_eq", true},
    other_name{"semverlte", "semver_le"},
    other_name{"semverlessthan", "semver_lt"},
    other_name{"semvergte", "semver_ge"},
    other_name{"semvergreaterthan", "semver_gt"},
    other_name{"anyin", "any_of"},
    other_name{"containsany", "any_of"},
    other_name{"containsall", "all_of"},
    other_name{"containsnone", "none_of"},
    other_name{"notanyof", "none_of"},
    other_name{"notseen", "seen", true},
    other_name{"notclicked", "clicked", true},
    other_name{"notdismissed", "dismissed", true},
    other_name{"notconverted", "converted", true},
    other_name{"shown", "seen"},
    other_name{"viewed", "seen"},
};

/// Small letters without "_", "-", "$", "." and blanks: "startsWith", "STARTS_WITH" and "$starts-with" are
/// spellings of one name.
std::string plain(std::string_view name) {
  std::string result;
  for (char c : name)
    if (std::string_view{"_-$. "}.find(c) == std::string_view::npos)
      result.push_back(static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c));
  return result;
}

std::string without_doubles(std::string name) {
  name.erase(std::unique(name.begin(), name.end()), name.end());
  return name;
}

/// Words that are long enough for a slip, and in which none makes one of the others.
bool is_word(std::string_view name) {
  constexpr std::array<std::string_view, 10> words = {
      "starts_with", "ends_with", "contains", "starts_with_ci", "ends_with_ci",
      "contains_ci", "matches",   "clicked",  "dismissed",      "converted"};
  return std::find(words.begin(), words.end(), name) != words.end();
}

std::string did_you_mean(std::string_view name) {
  return std::string{"; did you mean \""}.append(name).append("\"?");
}

} // namespace

std::string operator_hint(std::string_view name, const std::vector<std::string_view>& known) {
  const auto asked = plain(name);
  for (auto one : known)
    if (plain(one) == asked)
      return did_you_mean(one);
  for (const auto& other : others)
    if (other.name == asked)
      return other.negated ? std::string{"; put 'not' around a condition with '"}.append(other.meant) + "'"
                           : did_you_mean(other.meant);
  for (auto one : known)
    if (without_doubles(plain(one)) == without_doubles(asked))
      return did_you_mean(one);
  std::vector<std::string_view> words;
  std::copy_if(known.begin(), known.end(), std::back_inserter(words), is_word);
  const bool negated = asked.find("not") != std::string::npos || asked.find('!') != std::string::npos
                       || asked.rfind('n', 0) == 0 || asked.rfind("un", 0) == 0;
  if (auto near = negated || asked.size() < 5 ? std::nullopt : json::nearest(name, words))
    return did_you_mean(*near);
  return "; known are eq, ne, in, not_in, exists, lt, gt and those in the API reference";
}

} // namespace beckon::decision
