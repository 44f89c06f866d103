#pragma once

#include "actors/node/node.hpp"

#include <vector>

/// The room of the program `beckon`: its command line and its commands.
namespace beckon::apps {

/// Runs the command and returns the exit code. `added` lets another program add routes to `serve`. Call
/// once, from main(), before any other thread exists. Blocks until the command is done.
int run(int argc, char** argv, const actors::additions& added);

} // namespace beckon::apps
