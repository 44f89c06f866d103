#pragma once

#include "config/configuration.hpp"

#include <string>

/// The room of `beckon check`: problems that keep a node from starting or from serving well, and their
/// remedies.
namespace beckon::apps {

/// Prints a line for each requirement of a node: ok, warn or fail, with the remedy. Changes nothing,
/// except that it opens (and upgrades) an existing embedded store that no process has open. If a process has
/// it open, that must be a node that answers on the configured port. Returns the exit code.
int check(const config::configuration& cfg);

/// The same for a configuration that was refused.
int check_refused(const std::string& problems);

} // namespace beckon::apps
