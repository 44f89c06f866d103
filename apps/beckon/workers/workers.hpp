#pragma once

#include "config/configuration.hpp"

#include <string>
#include <vector>

/// The room of `beckon serve --workers N`: a parent that keeps the sockets and looks after processes that are
/// each a node.
namespace beckon::apps {

/// Runs workers.count processes, each a node on the common port, until a signal, and starts those again that
/// die. This process holds no data and has no threads. SIGTERM and SIGINT: stops all in order. SIGHUP: reads
/// the configuration anew and, when it is right, replaces one worker after the other, each by one that
/// answers already. Returns the exit code: exit_fatal after more than supervisor.restarts-max restarts in
/// supervisor.restart-window-ms. `words`: the call, after the program's name.
int serve_workers(const config::sources& from, const std::vector<std::string>& words);

} // namespace beckon::apps
