#include "actors/seam/request_handler.hpp"
#include "apps/beckon/app.hpp"
#include "apps/examples/hello/hello_handler.hpp"

using namespace beckon;

namespace {

std::vector<net::route> hello_routes(const actors::node_context_ptr& node) {
  return {actors::make_route(net::http_method::get, "/v1/hello/{name}", node, examples::hello_handler)};
}

} // namespace

int main(int argc, char** argv) {
  return apps::run(argc, argv, {{hello_routes}});
}
