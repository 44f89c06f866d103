#pragma once

#include "actors/context/node_options.hpp"
#include "config/configuration.hpp"

#include <cstddef>

namespace beckon::actors {

/// The actors' bounds, from the configuration keys.
node_options options_from(const config::configuration& cfg);

/// The number of databases that hold users.
size_t user_databases(const config::configuration& cfg);

} // namespace beckon::actors
