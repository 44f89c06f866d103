#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace beckon::json {

/// RFC 3339 with any offset and any number of fraction digits, to Unix milliseconds (fractions cut). Empty
/// when the text is not a real moment (month 13, 30 February, hour 24); second 60 stands only at the end of
/// June or December in UTC and is taken as 59.999.
std::optional<int64_t> parse_rfc3339_ms(std::string_view text);

/// The same for what is stored: an earlier version took second 60 in any minute.
std::optional<int64_t> parse_stored_rfc3339_ms(std::string_view text);

/// "2026-11-20T10:30:00.000Z". Years 0 to 9999.
std::string format_rfc3339(int64_t unix_ms);
constexpr size_t rfc3339_bytes = 24;
/// Writes these bytes, and no NUL, to `to`.
void write_rfc3339(char* to, int64_t unix_ms);

/// "90s", "500ms", "30m", "24h", "7d", "2w": a positive whole number and a unit; at most ten years.
std::optional<int64_t> parse_duration_ms(std::string_view text);

/// The shortest exact form: 86400000 is "1d", 90000 is "90s".
std::string format_duration(int64_t ms);

} // namespace beckon::json
