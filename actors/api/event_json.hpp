#pragma once

#include "json/object_reader.hpp"
#include "net/message.hpp"
#include "storage/rows.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace beckon::actors {

constexpr size_t events_per_batch_max = 500;
constexpr int64_t event_ahead_max_ms = 5 * 60 * 1000;            // `at` may be this far in the future
constexpr int64_t event_behind_max_ms = 30LL * 24 * 3600 * 1000; // and this far in the past
constexpr size_t event_properties_bytes_max = 16384;

/// Why one event of a batch was rejected.
struct rejected_event {
  size_t index = 0;
  std::string code; // "bad_timestamp", "bad_type", "missing_field", "unknown_field", "bad_value", "too_large"
  std::string pointer;
  std::string detail;
};

struct parsed_events {
  std::vector<storage::event_row> rows;
  std::vector<rejected_event> rejected;
};

/// Reads {"events": [...]}. Errors of the envelope go to `errors`; errors of single events reject those
/// alone.
/// `text` is what `body` was parsed from: properties keep their numbers as they came.
parsed_events parse_events(const json::value& body, std::string_view text, int64_t now_ms,
                           json::field_errors& errors);

/// One event as JSON, without a newline.
void append_event(std::string& out, const storage::event_row& e);

/// Reads since, until, user, popup and type from the query.
std::optional<storage::event_filter> parse_event_filter(const net::request& request,
                                                        json::field_errors& errors);

} // namespace beckon::actors
