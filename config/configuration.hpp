#pragma once

#include <caf/expected.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// The room of the configuration: one table declares every key (name, type, default, unit, bounds, a line of
/// text). Reading, checking, `help`, `cluster.ini` and the docs page are generated from it.
namespace beckon::config {

enum class value_type : uint8_t { integer, boolean, text, choice };

/// One configuration key.
struct key {
  std::string_view name; // "http.port"
  value_type type = value_type::integer;
  std::string_view default_value; // as written in a file, without quotes
  std::string_view unit;          // "ms", "bytes", "" for none
  int64_t min = 0;                // integers: inclusive bounds
  int64_t max = 0;
  std::string_view choices; // choice: "sqlite|mysql"
  std::string_view text;    // one line: what it does
};

/// A section: the part of a key's name before the last dot, and its subject.
struct section {
  std::string_view name;
  std::string_view text;
};

/// The table, sorted by section as it should be read. For text keys `min` and `max` bound the length in
/// bytes.
const std::vector<key>& keys();
const std::vector<section>& sections();
/// The key with that name; null if there is none.
const key* find_key(std::string_view name);

/// The source of a value, weakest first.
enum class origin : uint8_t { built_in, file, environment, command_line };

/// A complete, checked set of values. Immutable after reading. Threadsafe.
class configuration {
 public:
  /// All defaults.
  configuration();

  /// The value of a key that the table declares with that type; any other name aborts (a programming error).
  int64_t integer(std::string_view name) const;
  bool boolean(std::string_view name) const;
  const std::string& text(std::string_view name) const; // also for choices
  origin origin_of(std::string_view name) const;

 private:
  friend class reader;
  struct entry {
    std::string text;
    int64_t number = 0;
    origin from = origin::built_in;
  };
  std::map<std::string, entry, std::less<>> values_;
};

/// Why a configuration was refused; the error's text is for people.
enum class errc : uint8_t {
  unreadable = 1, // the file is missing, too large or cannot be read
  invalid,        // at least one key or value is wrong; nothing was applied
};

/// All problems, one per line.
std::string describe(const caf::error& e);

/// The sources: a file (empty: none), environment entries "NAME=value", and arguments like
/// "--http.port=8081".
struct sources {
  std::string file;
  std::vector<std::string> environment;
  std::vector<std::string> arguments;
};

/// Order: built-in < file < environment < command line. A missing file, an unknown key (with the nearest
/// known name), a wrong type or a value out of bounds is an error that names the place (file and line,
/// variable or argument), the problem and the remedy. All errors are collected into one text, one per line.
caf::expected<configuration> read(const sources& from);

/// The reference cluster.ini: every key, commented, with its default.
std::string reference_ini();
/// The same as Markdown tables for the docs.
std::string reference_markdown();
/// For --help: one line per key.
std::string reference_help();

} // namespace beckon::config
