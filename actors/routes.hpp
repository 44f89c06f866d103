#pragma once

#include "actors/node_context.hpp"
#include "net/http_broker.hpp"

#include <vector>

namespace beckon::actors {

/// The route table of version 1 of the API: one line per endpoint and method.
std::vector<net::route> make_routes(const node_context_ptr& node);

} // namespace beckon::actors
