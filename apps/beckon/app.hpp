#pragma once

#include "actors/node/node.hpp"

#include <vector>

/// The room of the program `beckon`: its command line and its commands.
///
/// The program: its commands, and what they print.
namespace beckon::apps {

/// Runs the command that the words name and returns the exit code. Another program adds its own routes to
/// `serve` with `added`. Call once, from main(), before any other thread exists. Blocks: until the
/// command is done.
int run(int argc, char** argv, const actors::additions& added);

} // namespace beckon::apps
