#pragma once

/// The room of JSON: a strict parser (RFC 8259, no duplicate names, bounded depth), one writer, readers of
/// objects that collect every error with its place, and times and durations as text.
namespace beckon::json {
/// Throws std::logic_error: a JSON value was used as what it is not. A defect in our code costs one request
/// then, not the node.
[[noreturn]] void assertion_failed(const char* condition);
} // namespace beckon::json

#ifndef RAPIDJSON_ASSERT
#define RAPIDJSON_ASSERT(x)                                                                                  \
  (static_cast<bool>(x) ? static_cast<void>(0) : ::beckon::json::assertion_failed(#x))
#endif

#include <rapidjson/document.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Strict JSON in (RFC 8259, UTF-8) and text out, over RapidJSON.
namespace beckon::json {

using document = rapidjson::Document;
using value = rapidjson::Value;
class writer; // json/writer.hpp

/// A document whose values need no heap while they fit: a request's body as a rule does.
class small_document {
 public:
  document& get() { return document_; }

 private:
  using pool = rapidjson::MemoryPoolAllocator<>;
  static constexpr size_t more_bytes = 16384; // what is asked of the heap at a time beyond the buffer

  alignas(std::max_align_t) std::array<char, 2048> buffer_;
  pool memory_{buffer_.data(), buffer_.size(), more_bytes};
  document document_{&memory_};
};

/// Why a text is not acceptable JSON. `offset` counts bytes from the start of the text.
struct parse_error {
  size_t offset = 0;
  std::string detail;
};

/// Nesting deeper than this is refused wherever no other bound is given.
constexpr size_t depth_max_default = 32;

/// Reads one JSON text into `out`, iteratively: stack use does not grow with nesting.
/// Refuses invalid UTF-8 (also in \u escapes), nesting beyond `depth_max`, a key that stands twice in one
/// object, NaN and infinities, numbers outside the range of a double, and any byte after the value.
/// Numbers are exact: whole ones as int64 or uint64 where they fit, others as the nearest double.
/// On an error `out` is null and the result says where and what.
std::optional<parse_error> parse(std::string_view text, document& out, size_t depth_max = depth_max_default);

/// Compact text of `v`.
std::string to_string(const value& v);

/// The bytes of a JSON string. Requires `v.IsString()`.
inline std::string_view view(const value& v) {
  return {v.GetString(), v.GetStringLength()};
}

/// At most `bytes_max` bytes of `text`, cut between two characters and marked with "…" when something is left
/// out: what a client sent is never echoed at length.
std::string clipped(std::string_view text, size_t bytes_max = 64);

/// How many bytes at the head of `text` stand for themselves in a JSON string.
size_t plain_length(std::string_view text);

/// Appends `text` as a JSON string with its quotes. `text` is UTF-8.
void append_quoted(std::string& out, std::string_view text);

/// Whether `text` is well-formed UTF-8 (no surrogates, no overlong forms, nothing above U+10FFFF).
bool is_utf8(std::string_view text);

} // namespace beckon::json
