#pragma once

#include "actors/node/node.hpp"
#include "apps/beckon/serve/worker_seat.hpp"
#include "config/configuration.hpp"

#include <optional>
#include <string>
#include <vector>

/// The room of `beckon serve` as one process: logging, signals, and the life of the node.
namespace beckon::apps {

/// Runs a node until a signal or a fatal fault. Returns the exit code. Blocks signals for every thread
/// started after it. `file`: the configuration file, for the log; empty: none. `seat`: for a worker, the
/// instructions of its parent, which owns its sockets.
int serve(const config::configuration& cfg, const std::string& file, const actors::additions& added,
          const std::optional<worker_seat>& seat);

/// Checks what can be refused before the start. Returns the problem with the remedy; empty if there is
/// none. Creates the data directory.
std::string refusal_to_serve(const config::configuration& cfg);

} // namespace beckon::apps
