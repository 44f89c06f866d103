#pragma once

/// The room of JSON: a strict parser (RFC 8259, no duplicate names, bounded depth), one writer, object
/// readers that collect every error with its place, and times and durations as text.
namespace beckon::json {
/// Throws std::logic_error when a JSON value is used as the wrong type: a bug then costs one request, not the
/// node.
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

/// A document whose values need no heap while they fit into its buffer, as most request bodies do.
class small_document {
 public:
  document& get() { return document_; }

 private:
  using pool = rapidjson::MemoryPoolAllocator<>;
  static constexpr size_t more_bytes = 16384; // heap block size beyond the buffer

  alignas(std::max_align_t) std::array<char, 2048> buffer_;
  pool memory_{buffer_.data(), buffer_.size(), more_bytes};
  document document_{&memory_};
};

/// Why a text is not valid JSON. `offset` counts bytes from the start of the text.
struct parse_error {
  size_t offset = 0;
  std::string detail;
};

/// Default limit for nesting depth.
constexpr size_t depth_max_default = 32;

/// Parses one JSON text into `out`, iteratively: stack use does not grow with nesting. Refuses invalid UTF-8
/// (also in \u escapes), nesting beyond `depth_max`, duplicate keys in an object, NaN and infinities, numbers
/// outside the range of a double, and trailing bytes. Numbers are exact: whole ones become int64 or uint64 if
/// they fit, others the nearest double. On an error `out` is null and the result says where and what.
std::optional<parse_error> parse(std::string_view text, document& out, size_t depth_max = depth_max_default);

/// Compact text of `v`.
std::string to_string(const value& v);

/// The bytes of a JSON string. Requires `v.IsString()`.
inline std::string_view view(const value& v) {
  return {v.GetString(), v.GetStringLength()};
}

/// At most `bytes_max` bytes of `text`, cut between two characters and marked with "…" if shortened. Client
/// input is never echoed at length.
std::string clipped(std::string_view text, size_t bytes_max = 64);

/// How many bytes at the head of `text` stand for themselves in a JSON string.
size_t plain_length(std::string_view text);

/// Appends `text` as a JSON string with its quotes. `text` is UTF-8.
void append_quoted(std::string& out, std::string_view text);

/// Whether `text` is well-formed UTF-8 (no surrogates, no overlong forms, nothing above U+10FFFF).
bool is_utf8(std::string_view text);

} // namespace beckon::json
