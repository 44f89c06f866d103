#pragma once

#include "json/object_reader.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace beckon::decision {

/// A value that a rule may examine: a boolean, a number, a string, or a list of these.
using attribute_scalar = std::variant<bool, int64_t, double, std::string>;
using attribute_value = std::variant<bool, int64_t, double, std::string, std::vector<attribute_scalar>>;

constexpr size_t attributes_max = 64;          // per user or request
constexpr size_t attributes_bytes_max = 16384; // as JSON text

/// Named values of one user or one request, kept sorted by name.
class attributes {
 public:
  const attribute_value* find(std::string_view name) const;
  void set(std::string name, attribute_value v);
  bool erase(std::string_view name);
  bool empty() const { return items_.empty(); }
  size_t size() const { return items_.size(); }
  const std::vector<std::pair<std::string, attribute_value>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string, attribute_value>> items_;
};

/// A JSON boolean, number or string; empty for anything else.
std::optional<attribute_scalar> parse_scalar(const json::value& v);

/// Reads a JSON object of attributes: names are identifiers, values scalars or arrays of scalars (at most
/// 100); null is skipped. Adds errors with their pointers.
attributes parse_attributes(const json::value& v, const json::path& where, json::field_errors& errors);

/// Merge patch (RFC 7396, one level): null removes a name, anything else sets it. The bounds apply to the
/// result. If an error is added, `target` is unchanged.
void patch_attributes(attributes& target, const json::value& v, const json::path& where,
                      json::field_errors& errors);

/// The JSON object of these attributes.
std::string to_json(const attributes& a);
/// Writes one value.
void write(json::writer& out, const attribute_value& v);

} // namespace beckon::decision
