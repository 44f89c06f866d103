#pragma once

#include "bench/load/address.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::load {

struct run_options {
  std::vector<node_address> nodes;
  uint64_t rate = 0; // requests a second; 0: closed loop
  uint64_t seconds = 10;
  uint64_t connections = 64;
  uint64_t threads = 1;
  uint64_t timeout_ms = 10'000;
  uint64_t drain_seconds = 5;
  uint64_t seed = 1;
  bool resend = true;
  std::string mix;    // file; empty: the built-in one
  std::string ledger; // directory; empty: none
  std::string json;   // file, or - for standard output; empty: none
};

struct verify_options {
  std::vector<node_address> nodes;
  std::vector<std::string> ledgers;
  std::string json;
  uint64_t wait_seconds = 30; // for events still on their way from an outbox to the store
  uint64_t users_max = 10'000;
  uint64_t clock_error_ms = 0; // maximum difference of the clocks of nodes and generator
  bool others = false;         // others may have stored events as well
};

/// The parsed command line; options of other commands keep their defaults.
struct command_line {
  std::string command; // "run", "verify" or "help"
  run_options run;
  verify_options verify;
};

/// Parses the words after the program's name. On an error the result is empty and `problem` says what is
/// wrong and what to write instead.
std::optional<command_line> parse_command_line(const std::vector<std::string>& words, std::string& problem);

std::string_view help_text();

} // namespace beckon::load
