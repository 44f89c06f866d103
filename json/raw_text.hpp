#pragma once

#include "json/object_reader.hpp"

#include <string>
#include <string_view>
#include <vector>

/// The text behind values: what a document of doubles cannot give back, such as `1e2` or an integer of 20
/// digits. Everything here requires text that parse() accepted, and takes time that grows with its length.
namespace beckon::json {

struct raw_member {
  std::string_view name; // with its quotes and escapes
  std::string_view value;
};

std::vector<raw_member> raw_members(std::string_view object);
std::vector<std::string_view> raw_elements(std::string_view array);

/// The text of a member's value; empty when there is none.
std::string_view raw_value(std::string_view object, std::string_view name);
/// What the quoted text stands for.
std::string unquoted(std::string_view quoted);

/// The text without white space between its parts; numbers and strings keep their very bytes.
std::string compacted(std::string_view text);

/// Adds an error for each integer in the member `name` of a document that lies beyond ±(2^63-1): it would be
/// compared rounded. Numbers with a fraction or an exponent are doubles and not meant here. Where the
/// document has no run of 19 digits the cost is that of looking at every 19th byte.
void refuse_large_integers(std::string_view object, std::string_view name, field_errors& errors);

} // namespace beckon::json
