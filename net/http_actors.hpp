#pragma once

#include "net/message.hpp"

#include <caf/actor_system.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/fwd.hpp>
#include <caf/replies_to.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

/// Typed interfaces between the broker and the actors that answer requests. All messages are local to the
/// process.
namespace beckon::net {

struct exchange_answer;
using exchange_answer_ptr = std::shared_ptr<exchange_answer>;

} // namespace beckon::net

CAF_BEGIN_TYPE_ID_BLOCK(beckon_net, first_custom_type_id)
CAF_ADD_ATOM(beckon_net, beckon::net, answer_atom, "answer") // a whole answer
CAF_ADD_ATOM(beckon_net, beckon::net, begin_atom, "begin")   // head of a streamed answer
CAF_ADD_ATOM(beckon_net, beckon::net, piece_atom, "piece")   // a piece of its body
CAF_ADD_ATOM(beckon_net, beckon::net, finish_atom, "finish") // its end
CAF_ADD_ATOM(beckon_net, beckon::net, abort_atom, "abort")   // give up: the connection is reset
CAF_ADD_ATOM(beckon_net, beckon::net, expire_atom, "expire") // the deadline of a request has passed
CAF_ADD_ATOM(beckon_net, beckon::net, more_atom, "more")     // the client has taken what was sent: go on
CAF_ADD_ATOM(beckon_net, beckon::net, drain_atom, "drain")   // stop accepting, finish what is in flight
CAF_ADD_ATOM(beckon_net, beckon::net, wheel_atom, "wheel")   // the broker's own timer
CAF_END_TYPE_ID_BLOCK(beckon_net)

namespace beckon::net {

/// An answer and its exchange.
struct exchange_answer {
  exchange_id id;
  response what;
};

/// The interface of every request actor. Runs on: scheduler; on quick routes perhaps the I/O thread. Blocks:
/// no. Lives for one request and answers once.
using request_actor = caf::typed_actor<
    // The deadline of the request has passed: answer 503 now, ignore later messages, stop. The broker sends
    // it once.
    caf::reacts_to<expire_atom>>;

/// A request actor that streams its body also handles this.
using streaming_request_actor = request_actor::extend<
    // Produce the next piece, or finish. Sent once after begin_atom and once after each piece, when it is the
    // exchange's turn on its connection and the client has read enough. The next piece is due within the
    // route's deadline.
    caf::reacts_to<more_atom>,
    // Nothing more is needed (the connection is gone, the piece was too slow, or the request was HEAD): stop.
    caf::reacts_to<abort_atom>>;

/// The HTTP front. Runs on: I/O thread. Blocks: no. Drops and counts answers for closed connections. It ends
/// after drain_atom; on an exit message it ends at once and resets every connection. A crash loses every
/// request in flight; clients see their connections reset.
using http_broker_actor = caf::typed_actor<
    // The whole answer to an exchange. A second answer to the same exchange is dropped.
    caf::reacts_to<answer_atom, exchange_answer_ptr>,
    // Starts a streamed answer (response::body must be empty); each more_atom is credit for one piece.
    caf::reacts_to<begin_atom, exchange_answer_ptr, streaming_request_actor>,
    // One piece, at most http_options::stream_piece_bytes_max bytes; a larger one breaks the memory bound and
    // resets the connection. The broker sends more_atom when its unsent output is below the bound. An empty
    // piece is progress without output: it sends nothing to the client, restarts the deadline, and gets
    // more_atom at once (with back-pressure, as after any piece).
    caf::reacts_to<piece_atom, uint64_t /* connection */, uint64_t /* sequence */, std::string>,
    caf::reacts_to<finish_atom, uint64_t, uint64_t>,
    // The answer cannot be completed: reset the connection, so that the client sees the cut; if nothing was
    // sent yet, answer 500 instead.
    caf::reacts_to<abort_atom, uint64_t, uint64_t>,
    // Block new connections, accept all that are already connected, close the listener. Answer what is in
    // flight and what arrives on open connections, closing each after its answer; close an idle connection
    // after http_front::drain_rest_ms without a request. So a request is lost only if it crosses our FIN on
    // the wire. The answer comes when no connection is left or the grace time has passed: the number of
    // requests cut off. Then the broker ends. Grace 0 cuts off at once.
    caf::replies_to<drain_atom, uint32_t /* grace_ms */>::with<uint64_t>,
    // The broker's own timer; nobody else sends it.
    caf::reacts_to<wheel_atom>>;

/// Where a request actor should run.
struct spawn_place {
  caf::actor_system& system;
  caf::execution_unit* unit = nullptr; // null: on a thread of the scheduler
};

/// Starts the actor that answers one request. Called on the I/O thread: must not block and should only spawn.
using spawn_handler = std::function<request_actor(const spawn_place&, request_ptr, http_broker_actor)>;

/// Spawns the actor whose behaviour `f` makes from `arguments`, at `place`.
template <class F, class... Ts>
caf::infer_handle_from_fun_t<F> spawn_at(const spawn_place& place, F f, Ts&&... arguments) {
  caf::actor_config cfg{place.unit};
  return place.system.spawn_functor(std::true_type{}, cfg, f, std::forward<Ts>(arguments)...);
}

} // namespace beckon::net

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::net::exchange_answer_ptr)
