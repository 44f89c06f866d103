#pragma once

#include "storage/rows.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::storage {

/// A batch of events as bytes, for this node's files only: a format number, the number of events, then for
/// each its numbers and its length-prefixed strings, little-endian.
std::string encode_events(const std::vector<event_row>& events);

/// Empty if the bytes are not a batch of a known format (truncated, trailing bytes, an unknown type).
std::optional<std::vector<event_row>> decode_events(std::string_view bytes);

} // namespace beckon::storage
