#pragma once

#include "decision/attribute.hpp"
#include "json/object_reader.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace beckon::decision {

struct user_state;

/// Where a rule looks up values. A name with the prefix `context.` refers to the request's context; any other
/// name to the request's attributes, then to the stored profile. Any pointer may be null.
struct facts {
  const attributes* context = nullptr; // names without the "context." prefix
  const attributes* request = nullptr;
  const attributes* profile = nullptr;
  const user_state* state = nullptr;
  int64_t now_ms = 0;

  const attribute_value* find(std::string_view name) const;
};

/// A compiled audience rule; cheap to copy, immutable, shareable between threads.
class audience_rule {
 public:
  struct node;

  audience_rule() = default;
  explicit audience_rule(std::shared_ptr<const node> root) : root_(std::move(root)) {}

  /// True for an empty rule. Never throws or fails: values of different types compare false.
  bool matches(const facts& f) const;
  bool empty() const { return root_ == nullptr; }
  /// A JSON object of every attribute the rule examines and its value, null if missing.
  std::string facts_json(const facts& f) const;

 private:
  std::shared_ptr<const node> root_;
};

constexpr size_t audience_nodes_max = 200;
constexpr size_t audience_depth_max = 10;

/// Compiles the JSON form: {"all": […]}, {"any": […]}, {"not": …}, {"attribute","op","value"}, and {"op":
/// "seen|clicked|dismissed|converted", "popup", "within"}. An unknown operator or member, or a value that
/// does not fit its operator, is an error with its pointer. audience_depth_max bounds the recursion. `ne`,
/// `not_in`, `none_of` and `not_exists` are the exact opposites of `eq`, `in`, `any_of` and `exists`, so they
/// are also true for an attribute that is missing or has another type. The other operators are false in both
/// cases.
audience_rule compile_audience(const json::value& v, const json::path& where, json::field_errors& errors);

} // namespace beckon::decision
