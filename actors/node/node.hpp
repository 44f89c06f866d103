#pragma once

#include "config/configuration.hpp"
#include "net/http_broker.hpp"
#include "storage/store.hpp"

#include <caf/expected.hpp>
#include <caf/fwd.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace caf {
class actor_system_config;
}

/// The room of the node as a whole: it reads the options, opens the store, starts and supervises every actor,
/// and stops them in order.
namespace beckon::actors {

struct node_context;
using node_context_ptr = std::shared_ptr<node_context>;

/// Adds routes to a node: receives what request actors may use and returns lines of the route table.
using extension = std::function<std::vector<net::route>(const node_context_ptr&)>;

/// What another program adds to a node.
struct additions {
  std::vector<extension> extensions = {};
  /// Receives the opened store and returns the one to use; empty: the opened one. For tests that need a store
  /// that breaks its promises.
  std::function<storage::store_ptr(storage::store_ptr)> wrap_store = {};
};

/// Connections and running requests on a worker's own port. It is for metrics and probes, and must not double
/// the limits of limits.*.
constexpr size_t own_port_connections_max = 64;

/// Where a node listens. The descriptors are listening sockets that another process keeps open.
struct node_sockets {
  bool none = false; // listens nowhere: it only ships its outbox
  int shared = -1;   // instead of http.address and http.port
  int own = -1;      // another one with the same routes, that reaches exactly this node
};

/// Configures CAF for this program: message types, scheduler, middleman. Call it before creating the
/// actor_system.
void prepare_system(caf::actor_system_config& target, const config::configuration& cfg);

/// One running node: store, actors and HTTP front, started and stopped in order. Not threadsafe: the thread
/// that started it stops it.
class node {
 public:
  virtual ~node() = default;

  /// Opens the store, migrates it, starts the actors, joins the cluster and listens. On an error nothing
  /// keeps running. The error's text is for people. Blocks until the node is ready, for a minute at most, or
  /// until `give_up`, which it calls now and then, returns true.
  static caf::expected<std::unique_ptr<node>> start(caf::actor_system& system,
                                                    const config::configuration& cfg, const additions& added,
                                                    const node_sockets& sockets = {},
                                                    const std::function<bool()>& give_up = {});

  virtual const std::string& address() const = 0;
  virtual uint16_t port() const = 0;
  /// "sqlite /var/lib/beckon/beckon.db".
  virtual std::string store_description() const = 0;

  /// Accepted events that are not in the store yet; 0 without an outbox.
  virtual uint64_t events_waiting() const = 0;

  /// Whether an operator asked this node to give its shards away and stop.
  virtual bool drain_asked() const = 0;

  /// Why the process must not go on (an fsync error); empty if it may.
  virtual std::string fatal_reason() const = 0;

  /// The figures that this node shows.
  virtual std::shared_ptr<prometheus::Registry> registry() const = 0;

  /// Has `hear` called, from any thread, whenever what drain_asked() and fatal_reason() say may have changed.
  /// It must not block and must live as long as the node. Call once.
  virtual void on_change(std::function<void()> hear) = 0;

  /// Drains: not ready, listener closed, requests in flight answered, writers flushed, store closed; at most
  /// node.grace-ms. Returns how many requests were cut off (0: none). Idempotent.
  virtual uint64_t stop() = 0;
};

} // namespace beckon::actors
