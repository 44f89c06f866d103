#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace beckon::apps {

/// The words of a call, taken apart; nothing is known yet about configuration keys.
struct command_line {
  std::string command;               // "serve"; "" when there is none
  bool help = false;                 // --help or -h
  bool if_empty = false;             // import: --if-empty
  bool json = false;                 // nodes: --json
  bool last = false;                 // drain: --last
  std::optional<int64_t> timeout_s;  // drain: --timeout-s N
  std::optional<std::string> config; // --config FILE
  std::optional<std::string> url;    // import, export: --url URL
  std::optional<std::string> seat;   // serve: --worker-seat, which only a parent gives its workers
  std::vector<std::string> keys;     // "--http.port=8081", for config::read
  std::vector<std::string> words;    // what else stands there, in order
};

/// A command as help shows it.
struct command {
  std::string_view name;
  std::string_view synopsis; // after the program's name
  std::string_view summary;  // one line
  std::string_view text;     // what more there is to say
};

/// All commands, in the order of the help text.
const std::vector<command>& commands();
/// The one with that name; null when there is none.
const command* find_command(std::string_view name);

/// Takes the words after the program's name apart. On an error the result is empty and `problem` says what is
/// wrong, with the nearest known name.
std::optional<command_line> parse_command_line(const std::vector<std::string>& words, std::string& problem);

/// The help of one command, or of all when it is null.
std::string help_text(const command* about);

} // namespace beckon::apps
