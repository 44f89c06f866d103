#pragma once

#include "config/configuration.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>
#include <caf/error.hpp>
#include <caf/expected.hpp>
#include <caf/fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

/// The room of the links between nodes: TCP and TLS below CAF's own protocol, who the other side is, and what
/// is refused. A peer's certificate is checked in tls_identity.cpp.
///
/// How nodes of a cluster reach one another: TCP, with TLS and certificates of both sides off loopback, below
/// CAF's own protocol between nodes.
namespace beckon::peers {

/// Where another node's door is. `host` is an IP address or a name.
struct endpoint {
  std::string host;
  uint16_t port = 0;
};

/// "10.0.0.7:7400", "[::1]:7400".
std::string to_string(const endpoint& where);

/// Why there is no connection. The error's context is one text for people.
enum class transport_errc : uint8_t {
  cannot_listen = 1, // the address or port cannot be listened on
  unreachable,       // nobody answers there: refused, no route, or not within the time-out
  refused,           // TLS: one of the two sides does not accept the other's certificate
  not_a_node, // somebody answers who does not speak as a node does within the time-out, or is this node
  wrong_door, // a node answers whose door understands other messages: another version
  stopped,    // this transport was stopped
};
std::string to_string(transport_errc code);
/// The code when `e` is of this kind, else 0.
transport_errc transport_errc_of(const caf::error& e);
/// The text for people.
std::string describe_transport_error(const caf::error& e);

/// Somebody who was turned away at the door: "10.0.0.7:41812", "certificate has expired". Called on the I/O
/// thread, for each one; it must not block. The log has its own line, at most one a second.
using refusal_handler = std::function<void(const std::string& peer, const std::string& reason)>;

struct transport_options {
  std::string address;  // IP address to listen on
  uint16_t port = 0;    // 0: any free one
  std::string tls_cert; // PEM files; all three or none
  std::string tls_key;
  std::string tls_ca;
  size_t message_bytes_max = size_t{16} << 20; // one message from a peer; beyond: its connection is closed
  size_t accepted_max = 256;                   // connections accepted and open; beyond: new ones are closed
  size_t handshakes_max = 64; // of these not yet known as nodes; beyond: the oldest is closed
  refusal_handler on_refusal;
  /// All links are gone and none can be made in this process: CAF's broker for them has ended, as it does
  /// when a message's inspect() throws while it is read. The process should be started anew. Called once, on
  /// any thread.
  std::function<void()> on_broken;

  bool tls() const { return !tls_cert.empty(); }
};

/// From cluster.address, cluster.port, cluster.tls-cert, cluster.tls-key, cluster.tls-ca.
transport_options transport_options_from(const config::configuration& cfg);

/// What the links need of CAF: heartbeats, the time after which a silent link counts as broken, and inline
/// deserialization. Call before the actor_system is made. The middleman is loaded elsewhere.
void prepare_transport(caf::actor_system_config& target);

/// Empty, or why a node must not start with these options, with the file and the remedy: one line each.
/// Reads the certificate files.
std::string check_transport(const transport_options& options);

/// The node's end of all links. Runs on: whoever calls; sockets on the I/O thread.
/// Blocks: connect() and open_door() as they say.  Threadsafe: yes.
/// Bounds: those of transport_options; a connection that asks for more is closed and logged.
/// Lost: a message is lost in silence when its connection breaks.
class peer_transport {
 public:
  virtual ~peer_transport() = default;

  /// Fails with what check_transport() says. Gives the system an identity of its own (node_identity.hpp), so
  /// it comes once for a system and before any message to another node. The system must outlive what is
  /// returned.
  static caf::expected<std::shared_ptr<peer_transport>> make(caf::actor_system& system,
                                                             transport_options options);

  /// Listens, and gives everyone who connects a handle to `door`. Returns the port. Call it once.
  template <class Handle>
  caf::expected<uint16_t> open_door(const Handle& door) {
    return open(caf::actor_cast<caf::strong_actor_ptr>(door), system().message_types(door));
  }

  /// A handle to the door at `where`. Blocks the calling thread for at most `timeout_ms`, plus the time to
  /// look up a name, if it is one; so call it from an actor with a thread of its own. After an error nothing
  /// is left of the attempt. When this node has a connection with that one already, in whichever direction,
  /// the handle goes over that one. Safe to retry, and to call from several threads.
  template <class Handle>
  caf::expected<Handle> connect(const endpoint& where, int64_t timeout_ms) {
    caf::detail::type_list<Handle> wanted;
    auto found = dial(where, system().message_types(wanted), timeout_ms);
    if (!found)
      return std::move(found.error());
    return caf::actor_cast<Handle>(std::move(*found));
  }

  /// Closes the door; links stay. Attempts to connect that are on their way, and later ones, fail with
  /// `stopped`. Idempotent.
  virtual void stop() = 0;

  virtual caf::actor_system& system() = 0;

 protected:
  virtual caf::expected<uint16_t> open(const caf::strong_actor_ptr& door, std::set<std::string> types) = 0;
  virtual caf::expected<caf::strong_actor_ptr> dial(const endpoint& where, const std::set<std::string>& types,
                                                    int64_t timeout_ms) = 0;
};

} // namespace beckon::peers
