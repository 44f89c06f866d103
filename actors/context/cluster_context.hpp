#pragma once

#include "actors/context/cluster_interfaces.hpp"
#include "actors/context/cluster_metrics.hpp"
#include "base/clock.hpp"
#include "cluster/node_machine.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace beckon::peers {
class peer_transport;
}

namespace beckon::actors {

/// How this node takes part in its cluster; each member has a configuration key.
struct cluster_options {
  std::string cluster;              // cluster.name
  std::string node;                 // node.name
  std::string identity;             // of node.data-dir
  std::string address;              // cluster.address and the port of the door
  std::string http;                 // where clients reach this node
  std::string version;              // of the program
  cluster::protocol_range speaks;   // of the nodes' protocol
  cluster::machine_options times;   // cluster.heartbeat-ms and its kin
  int64_t database_timeout_ms = 0;  // cluster.database-timeout-ms
  int64_t connect_timeout_ms = 0;   // cluster.connect-timeout-ms
  int64_t redial_ms = 0;            // cluster.redial-ms
  int64_t link_silence_ms = 0;      // cluster.link-silence-ms
  int64_t forward_timeout_ms = 0;   // cluster.forward-timeout-ms
  int64_t apply_timeout_ms = 0;     // cluster.apply-timeout-ms
  size_t gateway_asks_max = 0;      // cluster.gateway-asks-max
  size_t gateway_bytes_max = 0;     // cluster.gateway-bytes-max
  size_t batches_in_flight_max = 0; // cluster.batches-in-flight-max
  int64_t clock_warn_ms = 0;        // cluster.clock-warn-ms
  int64_t clock_refuse_ms = 0;      // cluster.clock-refuse-ms
};

/// The part of the cluster that a node's actors share. Threadsafe. Outlives them.
struct cluster_context {
  cluster_options options;
  base::clock_source steady_ms = nullptr;
  std::shared_ptr<peers::peer_transport> transport; // null in tests that make links in another way
  caf::strong_actor_ptr door;                       // null in tests, and when it is closed
  std::unique_ptr<cluster_metrics> metrics;

  std::atomic<int64_t> lease_until_ms{0}; // by steady_ms(): how long this node may claim
  std::atomic<bool> active{false};        // it is a member and may own shards
  std::atomic<bool> refused{false};       // joining cannot succeed: fault() says what must change
  std::atomic<bool> drain_asked{false};   // an operator wants it to give everything away and stop
  std::atomic<uint32_t> shards_owned{0};
  std::atomic<uint32_t> shards_unreachable{0}; // without an owner, or owned by a node without a link

  /// The cluster's actors; the supervisor replaces those it restarts.
  struct actor_table {
    shard_map_actor map;
    membership_actor membership;
    dialer_actor dialer; // null in tests that make links in another way
  };
  std::shared_ptr<const actor_table> actors() const { return std::atomic_load(&actors_); }
  void publish(const std::function<void(actor_table&)>& change) {
    auto table = std::make_shared<actor_table>(*actors());
    change(*table);
    std::atomic_store(&actors_, std::shared_ptr<const actor_table>{std::move(table)});
  }
  shard_map_actor map() const { return actors()->map; }

  /// The owners of all shards; never null.
  ownership_ptr owners() const { return std::atomic_load(&owners_); }
  void publish_owners(ownership_ptr o) { std::atomic_store(&owners_, std::move(o)); }

  /// What keeps this node from being a member, for people; empty: nothing.
  void fault(std::string text) {
    std::atomic_store(&fault_, std::make_shared<const std::string>(std::move(text)));
  }
  std::string fault() const { return *std::atomic_load(&fault_); }

 private:
  std::shared_ptr<const actor_table> actors_ = std::make_shared<const actor_table>();
  ownership_ptr owners_ = std::make_shared<const ownership>();
  std::shared_ptr<const std::string> fault_ = std::make_shared<const std::string>();
};

} // namespace beckon::actors
