#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The text form of a configuration file, before anything is known about keys.
namespace beckon::config {

/// How a value was written.
enum class ini_form : uint8_t { word, string, atom }; // 8080, "text", 'choice'

/// One line `name = value`; `name` includes its section.
struct ini_entry {
  size_t line = 0; // from 1
  std::string name;
  std::string value;
  ini_form form = ini_form::word;
};

struct ini_error {
  size_t line = 0;
  std::string detail;
};

struct ini_content {
  std::vector<ini_entry> entries; // in file order
  std::vector<ini_error> errors;
};

/// Parses the whole text: sections, dotted names, "strings" with \" \\ \n \t, 'atoms', comments from # or ;
/// to the end of the line. A line that cannot be parsed becomes an error; the others are still parsed.
ini_content parse_ini(std::string_view text);

} // namespace beckon::config
