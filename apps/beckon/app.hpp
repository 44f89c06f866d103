#pragma once

#include "actors/node.hpp"

#include <vector>

/// The program: its commands, and what they print.
namespace beckon::apps {

/// How the program ends, for scripts and service managers.
enum exit_code : int {
  exit_success = 0,
  exit_failure = 1, // the command could not do its work; the reason is on standard error
  exit_usage = 2,   // unknown command, flag, key or value
  exit_fatal = 70,  // a running node found a fault after which it must not go on
};

/// Runs the command that the words name and returns the exit code. Another program adds its own routes to
/// `serve` with `added`. Call once, from main(), before any other thread exists. Blocks: until the
/// command is done.
int run(int argc, char** argv, const actors::additions& added);

} // namespace beckon::apps
