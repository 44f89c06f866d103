#pragma once

#include "decision/audience.hpp"
#include "decision/ip_range.hpp"
#include "decision/semver.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace beckon::decision {

/// What an operator tests, without negation (`ne` is `equal`, negated).
enum class test : uint8_t {
  equal,
  in,
  exists,
  less,
  less_equal,
  greater,
  greater_equal,
  starts_with,
  ends_with,
  contains,
  matches,
  semver_equal,
  semver_less,
  semver_less_equal,
  semver_greater,
  semver_greater_equal,
  in_network,
  any_of,
  all_of,
  seen,
  clicked,
  dismissed,
  converted,
};

/// A leaf of an audience rule: one attribute (or the user's history with one popup) compared with one
/// operand. Immutable once compiled.
struct condition {
  test what = test::exists;
  bool negated = false;
  bool fold_case = false;
  std::string attribute; // the popup's id for seen, clicked, dismissed, converted
  std::vector<attribute_scalar> values;
  std::string text;               // starts_with, ends_with, contains; folded when fold_case
  std::optional<int64_t> time_ms; // the operand as a time: less … greater_equal
  std::shared_ptr<const re2::RE2> pattern;
  semver version;
  std::vector<ip_range> networks;
  std::optional<int64_t> within_ms; // seen, clicked, dismissed, converted

  bool holds(const facts& f) const;
  /// The fact that this condition looks at: under which name explanations show it, and its value.
  std::string fact_name() const;
  void write_fact(json::writer& out, const facts& f) const;
};

constexpr size_t condition_values_max = 1000;
constexpr size_t pattern_bytes_max = 512;
constexpr int64_t pattern_memory_bytes_max = 262'144; // program and match cache of one expression

/// Compiles the members of a leaf; the caller finishes `in`. Adds errors with their pointers.
condition compile_condition(json::object_reader& in);

} // namespace beckon::decision
