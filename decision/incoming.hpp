#pragma once

#include "decision/popup.hpp"
#include "json/object_reader.hpp"

#include <optional>
#include <string_view>

/// What holds for a document that comes in and not for one that is stored. A rule that grows stricter stands
/// here: what an earlier version stored is read as that version read it, and is checked anew only when
/// somebody writes it again. `text` is what `document` was parsed from.
namespace beckon::decision {

/// As parse_popup(), but the contents have the very bytes of `text`, not what a document of doubles makes of
/// them.
popup parse_popup_text(const json::value& document, std::string_view text,
                       std::optional<std::string_view> forced_id, json::field_errors& errors);

/// Percentages finer than a bucket (0.01), integers in the audience that would be compared rounded.
void check_incoming_popup(const json::value& document, std::string_view text, json::field_errors& errors);

void check_incoming_settings(const json::value& document, json::field_errors& errors);

} // namespace beckon::decision
