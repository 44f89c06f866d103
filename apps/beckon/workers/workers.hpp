#pragma once

#include "config/configuration.hpp"

#include <string>
#include <vector>

/// The room of `beckon serve --workers N`: a parent that owns the sockets and supervises one process per
/// node.
namespace beckon::apps {

/// Runs workers.count processes until a signal, each a node on the common port, and restarts those that
/// die. This process holds no data and has no threads. SIGTERM and SIGINT: stops all gracefully. SIGHUP:
/// reloads the configuration and, if it is valid, replaces one worker after the other; each successor answers
/// first. Returns the exit code: exit_fatal after more than supervisor.restarts-max restarts in
/// supervisor.restart-window-ms. `words`: the command line after the program's name.
int serve_workers(const config::sources& from, const std::vector<std::string>& words);

} // namespace beckon::apps
