#pragma once

#include "actors/context/node_context.hpp"
#include "net/http_broker.hpp"

#include <vector>

/// The room of the HTTP API: a file pair for each endpoint or group of endpoints, with its JSON, and the
/// route table.
namespace beckon::actors {

/// The route table of version 1 of the API: one line per endpoint and method.
std::vector<net::route> make_routes(const node_context_ptr& node);

} // namespace beckon::actors
