#pragma once

#include "storage/rows.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A catalogue as one JSON document: {"settings": {...}, "popups": [...]}, or only the array of popups.
namespace beckon::apps {

struct catalog_document {
  struct entry {
    std::string id;
    std::string document; // compact JSON with the id in it
  };
  std::optional<std::string> settings; // as written, checked; absent: not in the document
  std::vector<entry> popups;
};

/// Reads and checks the whole text. Adds every error to `problems` as "POINTER (popup ID): what" or, for
/// invalid JSON, as "line 3, column 7 (byte 41): what". The result is usable only if none was added.
catalog_document read_catalog_document(std::string_view text, std::vector<std::string>& problems);

/// The differences from the stored catalogue. Order of members and white space do not matter. Settings
/// that the document leaves out keep their stored values.
struct catalog_changes {
  std::optional<std::string> settings; // all of them, as they will be stored; absent: no change
  std::vector<const catalog_document::entry*> popups; // into the document
  size_t popups_unchanged = 0;
  bool settings_unchanged = false; // the document's settings equal the stored ones
  size_t added = 0;                // of `popups`, those whose id is new
};
catalog_changes changes_of(const catalog_document& wanted, const storage::catalog_rows& present);

/// "16 popups and the settings", "1 popup", "the settings"; `nothing` when there is neither.
std::string in_words(size_t popups, bool settings, const char* nothing);

/// A document that reads back as these rows: settings first, one popup per line.
std::string write_catalog_document(const storage::catalog_rows& rows);

} // namespace beckon::apps
