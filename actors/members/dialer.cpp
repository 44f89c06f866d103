#include "actors/members/dialer.hpp"

#include "peers/peer_transport.hpp"

#include <caf/scoped_actor.hpp>
#include <caf/sec.hpp>

#include <chrono>
#include <optional>
#include <utility>

namespace beckon::actors {

const char* dialer_state::name = "dialer";

namespace {

/// "host:port", "[::1]:port".
std::optional<peers::endpoint> endpoint_of(const std::string& address) {
  auto colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return std::nullopt;
  peers::endpoint e;
  e.host = address.substr(0, colon);
  if (e.host.front() == '[' && e.host.back() == ']')
    e.host = e.host.substr(1, e.host.size() - 2);
  auto port = std::strtoul(address.c_str() + colon + 1, nullptr, 10);
  if (port == 0 || port > 65535)
    return std::nullopt;
  e.port = static_cast<uint16_t>(port);
  return e;
}

/// The text of an error for people.
std::string text_of(const caf::actor_system& system, const caf::error& e) {
  if (e == caf::sec::request_timeout)
    return "it accepts connections but does not answer";
  if (e == caf::sec::request_receiver_down)
    return "the connection broke during the greeting";
  std::string text;
  if (e.context().match_elements<std::string>())
    text = e.context().get_as<std::string>(0);
  return text.empty() ? system.render(e) : text;
}

} // namespace

void dialer_state::dial(const dial_order& order) {
  auto link = get_through(order);
  if (link)
    self->send(order.client, dial_atom::value, uint64_t{order.peer}, std::move(*link));
  else
    self->send(order.client, unlink_atom::value, uint64_t{order.peer}, text_of(self->system(), link.error()));
}

caf::expected<link_actor> dialer_state::get_through(const dial_order& order) {
  auto wait_ms = node->cluster->options.connect_timeout_ms;
  auto where = endpoint_of(order.address);
  if (!where)
    return caf::make_error(caf::sec::runtime_error, "'" + order.address + "' is not HOST:PORT");
  auto found = node->cluster->transport->connect<door_actor>(*where, wait_ms);
  if (!found)
    return std::move(found.error());
  caf::expected<link_actor> result = caf::make_error(caf::sec::request_timeout, "no answer to the hello");
  caf::scoped_actor waiter{self->system()};
  waiter
      ->request(*found, std::chrono::milliseconds{wait_ms}, hello_atom::value,
                peer_bytes{cluster::encode(order.hello)}, order.own_end)
      .receive(
          [&](hello_atom, const peer_bytes& bytes, const link_actor& link) {
            std::string fault;
            auto h = cluster::decode_hello(bytes.bytes, fault);
            if (h && (h->from != order.peer || h->cluster != order.hello.cluster))
              fault = "another node answers there: incarnation " + std::to_string(h->from) + " of '"
                      + h->cluster + "'";
            if (h && fault.empty() && cluster::common_protocol(h->speaks, order.hello.speaks) == 0)
              fault = cluster::describe_disagreement(h->speaks, order.hello.speaks);
            if (fault.empty() && !link)
              fault = "its answer names no end of a link";
            if (fault.empty())
              result = link;
            else
              result = caf::make_error(caf::sec::runtime_error, fault);
          },
          [&](caf::error& why) { result = std::move(why); });
  return result;
}

dialer_actor::behavior_type dialer(dialer_actor::stateful_pointer<dialer_state> self, node_context_ptr node) {
  self->state.self = self;
  self->state.node = std::move(node);
  return {
      [self](dial_atom, const dial_order_ptr& order) { self->state.dial(*order); },
  };
}

} // namespace beckon::actors
