#pragma once

#include "actors/context/node_options.hpp"
#include "config/configuration.hpp"

#include <cstddef>

namespace beckon::actors {

/// The bounds of the actors, each from its key.
node_options options_from(const config::configuration& cfg);

/// Over how many databases users are spread.
size_t user_databases(const config::configuration& cfg);

} // namespace beckon::actors
