#pragma once

#include "json/json.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::json {

/// The kind of mistake, for callers that answer with codes.
enum class fault : uint8_t { bad_value, missing, unknown };

/// One mistake in a document: where (RFC 6901 JSON pointer), what, and the remedy.
struct field_error {
  std::string pointer;
  std::string detail;
  fault kind = fault::bad_value;
};

using field_errors = std::vector<field_error>;

/// Maximum number of errors collected for one document.
constexpr size_t field_errors_max = 20;

/// A place in a document, kept as a chain on the stack; the pointer text is built only for errors.
struct path {
  const path* parent = nullptr;
  std::string_view key; // a member, if `index` is negative
  int64_t index = -1;   // an array element otherwise
  /// RFC 6901, "" for the root. Keys longer than 256 bytes are shortened and end in "…".
  std::string text() const;
};

/// Adds an error at `where`, up to `field_errors_max`.
void add_error(field_errors& errors, const path& where, std::string detail, fault kind = fault::bad_value);

/// Checked access to the members of one JSON object. Collects every error with its pointer and continues, so
/// that one answer names all of them. `finish()` then reports each member that was not asked for as unknown,
/// with the nearest known name. Each accessor returns an empty value if the member is absent, null (same as
/// absent) or wrong.
class object_reader {
 public:
  /// `v` may be anything; if it is not an object, one error is added and every member is absent.
  object_reader(const value& v, const path& where, field_errors& errors);

  enum class need : uint8_t { optional, required };

  const value* member(std::string_view name, need n = need::optional);
  std::optional<std::string_view> string(std::string_view name, need n = need::optional);
  /// An identifier: 1 to 128 bytes of UTF-8 without control characters.
  std::optional<std::string_view> identifier(std::string_view name, need n = need::optional);
  std::optional<bool> boolean(std::string_view name);
  /// A whole number in [min, max].
  std::optional<int64_t> integer(std::string_view name, int64_t min, int64_t max);
  /// A finite number in [min, max].
  std::optional<double> number(std::string_view name, double min, double max);
  /// A duration like "90s", "30m", "24h", "7d", "2w"; a positive whole number and one unit, at most ten
  /// years. Result in milliseconds.
  std::optional<int64_t> duration_ms(std::string_view name);
  /// An RFC 3339 time; result in Unix milliseconds.
  std::optional<int64_t> time_ms(std::string_view name);
  /// An array with min to max elements.
  const value* array(std::string_view name, size_t min, size_t max, need n = need::optional);
  /// A JSON object, not examined further.
  const value* object(std::string_view name, need n = need::optional);

  /// The place of the member `name`, for nested readers. Valid while this reader and `name` live.
  path at(std::string_view name) const { return path{&where_, name, -1}; }
  void error(std::string_view name, std::string detail) { add_error(errors_, at(name), std::move(detail)); }
  const path& where() const { return where_; }
  field_errors& errors() { return errors_; }

  /// Reports the members that were not asked for. Call once, last.
  void finish();

 private:
  const value* object_ = nullptr;
  const path where_;
  field_errors& errors_;
  std::vector<std::string_view> known_;
};

/// 1 to 128 bytes of UTF-8 without control characters (U+0000–U+001F, U+007F, U+0080–U+009F).
bool is_identifier(std::string_view text);

/// The candidate with the smallest edit distance to `name`, if it is close enough to be a likely typo.
std::optional<std::string_view> nearest(std::string_view name,
                                        const std::vector<std::string_view>& candidates);

} // namespace beckon::json
