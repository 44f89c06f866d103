#pragma once

#include "actors/node.hpp"
#include "config/configuration.hpp"

#include <string>
#include <vector>

namespace beckon::apps {

/// Runs a node until a signal or a fatal fault. Returns the exit code. Blocks signals for every thread
/// started after it. `file`: the configuration file that was read, for the log; empty: none.
int serve(const config::configuration& cfg, const std::string& file,
          const std::vector<actors::extension>& extensions);

} // namespace beckon::apps
