#pragma once

#include "actors/context/node_context.hpp"
#include "decision/hash.hpp"
#include "net/http_broker.hpp"

#include <caf/send.hpp>

#include <memory>
#include <string>
#include <utility>

/// The room of the seam: what a new endpoint includes, and nothing else. An endpoint is one request actor,
/// spawned for one request.
namespace beckon::actors {

/// The state of every request actor: its request and where the answer goes. A behaviour with more state
/// derives from it.
struct exchange_state {
  net::request_ptr request;
  net::http_broker_actor broker;
  node_context_ptr node;

  void open(net::request_ptr r, net::http_broker_actor b, node_context_ptr n) {
    request = std::move(r);
    broker = std::move(b);
    node = std::move(n);
  }
};

/// Answers the request of `self` and ends the actor. Later messages are dropped with it.
template <class Self>
void answer(Self* self, net::response what) {
  auto& st = self->state;
  auto message = std::make_shared<net::exchange_answer>();
  message->id = st.request->id;
  message->what = std::move(what);
  self->send(st.broker, net::answer_atom::value, std::move(message));
  self->quit();
}

/// The answer at the deadline: the work was abandoned, not refused, and the client does not know whether it
/// took effect.
template <class Self>
void answer_expired(Self* self) {
  answer(self, net::make_unavailable(
                   "the answer was not ready before the deadline of this request; try again later, "
                   "with the same request id or event ids"));
}

/// Sends an ask to the shard that owns `user`; the answer arrives as a message.
template <class Self, class Verb, class Ask>
void send_to_owner(Self* self, const std::string& user, Verb verb, Ask ask) {
  auto& node = *self->state.node;
  auto shard = decision::shard_of(user);
  node.metrics->shard(shard).asked.fetch_add(1, std::memory_order_relaxed);
  self->send(node.handles()->shards[shard], verb, std::move(ask));
}

/// The same line with the query parameters that it takes; without them any parameter is refused with 422.
inline net::route with_query(net::route r, net::query_names names) {
  r.query = std::move(names);
  return r;
}

/// A line of the route table whose requests are answered by the request actor `behaviour`:
///   Interface::behavior_type behaviour(Interface::stateful_pointer<State>, net::request_ptr,
///                                      net::http_broker_actor, node_context_ptr)
template <class F>
net::route make_route(net::http_method method, std::string pattern, node_context_ptr node, F behaviour,
                      int64_t deadline_ms = 0) {
  net::route r;
  r.key = {method, std::move(pattern)};
  r.deadline_ms = deadline_ms;
  r.handle = [node = std::move(node), behaviour](const net::spawn_place& place, net::request_ptr request,
                                                 net::http_broker_actor broker) -> net::request_actor {
    return net::spawn_at(place, behaviour, std::move(request), std::move(broker), node);
  };
  return r;
}

} // namespace beckon::actors
