#pragma once

#include "apps/beckon/check/check_report.hpp"
#include "config/configuration.hpp"

#include <string>

namespace beckon::apps {

/// Why this configuration cannot be served by workers, with the remedy; empty when it can.
std::string refusal_of_workers(const config::configuration& cfg);

/// Whether workers could serve, for `beckon check`.
void check_workers(const config::configuration& cfg, check_report& out);

} // namespace beckon::apps
