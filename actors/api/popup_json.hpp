#pragma once

#include "actors/context/messages.hpp"
#include "json/object_reader.hpp"
#include "net/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace beckon::actors {

/// A popup document as stored: checked, with its id, without the members that the server adds to answers.
struct popup_document {
  std::string id;
  std::string text;
};

/// Checks a popup document. The members "revision", "created_at" and "updated_at", which answers carry, are
/// taken out, so that what was read can be changed and written back. `id` is the id from the path, when there
/// is one.
/// `text` is what `doc` was parsed from: numbers are stored as they came.
popup_document read_popup(json::document& doc, std::string_view text, std::optional<std::string_view> id,
                          json::field_errors& errors);

/// The popup as answers show it: the document plus revision, created_at and updated_at.
void write_popup(json::writer& out, const storage::popup_row& row);

/// "\"3\"".
std::string etag(uint64_t revision);

/// The condition in If-Match.
struct precondition {
  std::optional<uint64_t> revision;
  bool any = false; // "*"
  bool bad = false; // not an entity tag of this server: can never match
};
precondition read_if_match(const net::request& request);
/// Whether If-None-Match names this revision (or is "*").
bool none_match_hits(const net::request& request, uint64_t revision);

/// The settings as in answers.
std::string render_settings(const catalog_view& view);

/// The counters of a popup: totals and distinct users, overall and per variant.
std::string render_stats(const std::string& popup, const std::vector<storage::stat_row>& rows);

} // namespace beckon::actors
