#include "apps/examples/hello/hello_handler.hpp"

#include "actors/seam/request_body.hpp"
#include "json/writer.hpp"

#include <utility>

namespace beckon::examples {

namespace {

constexpr size_t name_bytes_max = 40;

} // namespace

net::response greet(const net::request& request, const actors::catalog_view_ptr& catalog) {
  auto name = request.param("name");
  if (name.size() > name_bytes_max)
    return net::make_problem(422,
                             "the name has more than 40 bytes; say hello to somebody with a shorter one");
  if (!catalog)
    return net::make_unavailable("the catalogue is not loaded yet");
  std::string body;
  json::writer w{body};
  w.begin_object().member("hello", name).member("popups", catalog->rows.popups.size()).end_object();
  return actors::json_answer(std::move(body));
}

hello_actor::behavior_type hello_handler(hello_actor::stateful_pointer<actors::exchange_state> self,
                                         net::request_ptr request, net::http_broker_actor broker,
                                         actors::node_context_ptr node) {
  self->state.open(std::move(request), std::move(broker), std::move(node));
  self->send(self->state.node->handles()->catalog, actors::view_atom::value);
  return {
      [self](net::expire_atom) { actors::answer_expired(self); },
      [self](const actors::catalog_view_ptr& view) {
        actors::answer(self, greet(*self->state.request, view));
      },
  };
}

} // namespace beckon::examples
