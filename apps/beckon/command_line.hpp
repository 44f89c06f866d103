#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace beckon::apps {

/// The parsed command line, without knowledge of configuration keys.
struct command_line {
  std::string command;               // "serve"; "" when there is none
  bool help = false;                 // --help or -h
  bool if_empty = false;             // import: --if-empty
  bool json = false;                 // nodes: --json
  bool last = false;                 // drain: --last
  std::optional<int64_t> timeout_s;  // drain: --timeout-s N
  std::optional<std::string> config; // --config FILE
  std::optional<std::string> url;    // import, export: --url URL
  std::optional<std::string> seat;   // serve: --worker-seat, given only by a parent to its workers
  std::vector<std::string> keys;     // "--http.port=8081", for config::read
  std::vector<std::string> words;    // all other words, in order
};

/// A command as the help shows it.
struct command {
  std::string_view name;
  std::string_view synopsis; // after the program's name
  std::string_view summary;  // one line
  std::string_view text;     // details
};

/// All commands, in the order of the help text.
const std::vector<command>& commands();
/// The command with that name; null if there is none.
const command* find_command(std::string_view name);

/// Parses the words after the program's name. On an error the result is empty and `problem` describes it,
/// with the nearest known name.
std::optional<command_line> parse_command_line(const std::vector<std::string>& words, std::string& problem);

/// The help for one command, or for all if null.
std::string help_text(const command* about);

} // namespace beckon::apps
