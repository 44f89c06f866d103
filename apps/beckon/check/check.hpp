#pragma once

#include "config/configuration.hpp"

#include <string>

/// The room of `beckon check`: what would keep a node from starting or from serving well, and what to change.
namespace beckon::apps {

/// Prints one line for each thing that a node needs: ok, warn or fail, and the remedy. Changes nothing,
/// except that an existing embedded store is opened (and brought up to date) unless a process has it. That is
/// well only when the process is a node that answers on the configured port. Returns the exit code.
int check(const config::configuration& cfg);

/// The same when the configuration itself was refused.
int check_refused(const std::string& problems);

} // namespace beckon::apps
