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
  std::optional<std::string> settings; // compact JSON; absent: the document says nothing about settings
  std::vector<entry> popups;
};

/// Reads and checks the whole text. Every error goes to `problems` as "POINTER (popup ID): what"; the result
/// is usable only when none was added.
catalog_document read_catalog_document(std::string_view text, std::vector<std::string>& problems);

/// What differs from the stored catalogue. Order of members and white space make no difference.
struct catalog_changes {
  bool settings = false;
  std::vector<const catalog_document::entry*> popups; // into the document
  size_t unchanged = 0;                               // popups and settings
  size_t added = 0;                                   // of `popups`, those whose id is new
};
catalog_changes changes_of(const catalog_document& wanted, const storage::catalog_rows& present);

/// The document that reads back as these rows: settings first, a popup a line.
std::string write_catalog_document(const storage::catalog_rows& rows);

} // namespace beckon::apps
