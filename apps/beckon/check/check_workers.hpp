#pragma once

#include "apps/beckon/check/check_report.hpp"
#include "config/configuration.hpp"

#include <string>

namespace beckon::apps {

/// Why workers cannot serve this configuration, with the remedy; empty if they can.
std::string refusal_of_workers(const config::configuration& cfg);

/// Checks for `beckon check` whether workers could serve.
void check_workers(const config::configuration& cfg, check_report& out);

} // namespace beckon::apps
