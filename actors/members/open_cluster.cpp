#include "actors/members/open_cluster.hpp"

#include "actors/members/door.hpp"
#include "base/clock.hpp"
#include "base/uuid.hpp"
#include "peers/peer_transport.hpp"
#include "storage/error.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace beckon::actors {

namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data() : "node";
}

cluster::machine_options times_from(const config::configuration& cfg) {
  cluster::machine_options t;
  t.heartbeat_ms = cfg.integer("cluster.heartbeat-ms");
  t.lease_ms = cfg.integer("cluster.lease-ms");
  t.own_lease_ms = cfg.integer("cluster.own-lease-ms");
  t.retry_ms = cfg.integer("cluster.retry-ms");
  t.suspect_after_ms = cfg.integer("cluster.suspect-after-ms");
  t.silent_ms = cfg.integer("cluster.silent-ms");
  t.hand_over_ms = cfg.integer("cluster.hand-over-ms");
  t.moves_max = static_cast<size_t>(cfg.integer("cluster.moves-max"));
  return t;
}

/// Who owns the data directory, for good: so a node that comes back after a crash shows that the process
/// before it is gone. Only an outbox makes sure that one process owns the directory; without it each process
/// is a new one.
caf::expected<std::string> identity_of(const config::configuration& cfg, const node_context& node) {
  auto now_ms = node.now_ms();
  if (!node.outbox)
    return base::make_uuid_v7(now_ms);
  auto path = cfg.text("node.data-dir") + "/node.id";
  std::string id;
  if (std::ifstream in{path}; in && std::getline(in, id) && !id.empty())
    return id;
  id = base::make_uuid_v7(now_ms);
  auto draft = path + ".new";
  std::error_code status;
  {
    std::ofstream out{draft, std::ios::trunc};
    out << id << '\n';
    if (!out.flush())
      status = std::make_error_code(std::errc::io_error);
  }
  if (!status)
    std::filesystem::rename(draft, path, status);
  if (status)
    return storage::make_error(storage::errc::io_failed, path + ": cannot be written: " + status.message());
  return id;
}

std::string advertised(const config::configuration& cfg, uint16_t port) {
  const auto& given = cfg.text("cluster.advertise");
  return given.empty() ? peers::to_string(peers::endpoint{cfg.text("cluster.address"), port}) : given;
}

} // namespace

cluster_options cluster_options_from(const config::configuration& cfg) {
  auto size = [&cfg](const char* key) { return static_cast<size_t>(cfg.integer(key)); };
  cluster_options o;
  o.cluster = cfg.text("cluster.name");
  o.node = cfg.text("node.name").empty() ? host_name() : cfg.text("node.name");
  o.times = times_from(cfg);
  o.database_timeout_ms = cfg.integer("cluster.database-timeout-ms");
  o.connect_timeout_ms = cfg.integer("cluster.connect-timeout-ms");
  o.redial_ms = cfg.integer("cluster.redial-ms");
  o.link_silence_ms = cfg.integer("cluster.link-silence-ms");
  o.forward_timeout_ms = cfg.integer("cluster.forward-timeout-ms");
  o.apply_timeout_ms = cfg.integer("cluster.apply-timeout-ms");
  o.gateway_asks_max = size("cluster.gateway-asks-max");
  o.gateway_bytes_max = size("cluster.gateway-bytes-max");
  o.batches_in_flight_max = size("cluster.batches-in-flight-max");
  o.clock_warn_ms = cfg.integer("cluster.clock-warn-ms");
  o.clock_refuse_ms = cfg.integer("cluster.clock-refuse-ms");
  return o;
}

std::string check_cluster(const config::configuration& cfg) {
  auto number = [&cfg](const char* key) { return cfg.integer(key); };
  auto said = [&](const char* key) {
    return std::string{key} + " is " + std::to_string(number(key)) + " ms";
  };
  if (number("cluster.own-lease-ms") >= number("cluster.lease-ms"))
    return said("cluster.own-lease-ms")
           + ", which must be less than cluster.lease-ms, so that a node stops before others take over";
  if (number("cluster.heartbeat-ms") * 2 > number("cluster.own-lease-ms"))
    return said("cluster.heartbeat-ms")
           + ", which must be at most half of cluster.own-lease-ms, so that one lost renewal does not end "
             "the lease";
  if (number("cluster.silent-ms") <= number("cluster.heartbeat-ms"))
    return said("cluster.silent-ms")
           + ", which must be more than cluster.heartbeat-ms, so that a node is not silent between two "
             "heartbeats";
  return peers::check_transport(peers::transport_options_from(cfg));
}

caf::error open_cluster(caf::actor_system& system, const config::configuration& cfg, const std::string& http,
                        const node_context_ptr& node) {
  if (auto problem = check_cluster(cfg); !problem.empty())
    return storage::make_error(storage::errc::bad_options, problem);
  auto context = std::make_shared<cluster_context>();
  context->options = cluster_options_from(cfg);
  context->options.http = http;
  context->options.version = BECKON_VERSION;
  context->steady_ms = &base::steady_ms;
  // From here on only additions: nobody may see one without the other.
  node->now_ms.follow(&base::steady_ms, node->now_ms() - base::steady_ms());
  context->metrics = std::make_unique<cluster_metrics>(*node->metrics->registry());
  auto identity = identity_of(cfg, *node);
  if (!identity)
    return std::move(identity.error());
  context->options.identity = std::move(*identity);
  auto transport_options = peers::transport_options_from(cfg);
  transport_options.on_broken = [weak = std::weak_ptr<node_context>{node}] {
    if (auto broken = weak.lock())
      broken->health.fail("no more links to other nodes can be made: CAF's broker has ended");
  };
  auto transport = peers::peer_transport::make(system, std::move(transport_options));
  if (!transport)
    return storage::make_error(storage::errc::bad_options,
                               peers::describe_transport_error(transport.error()));
  context->transport = std::move(*transport);
  node->cluster = context;
  auto opening = system.spawn(door, node);
  context->door = caf::actor_cast<caf::strong_actor_ptr>(opening);
  auto port = context->transport->open_door(opening);
  if (!port)
    return storage::make_error(storage::errc::bad_options, peers::describe_transport_error(port.error()));
  context->options.address = advertised(cfg, *port);
  return {};
}

void close_cluster(const node_context_ptr& node) {
  if (!node->cluster)
    return;
  if (node->cluster->transport)
    node->cluster->transport->stop();
  if (auto door = std::exchange(node->cluster->door, nullptr))
    caf::anon_send_exit(caf::actor_cast<caf::actor>(door), caf::exit_reason::user_shutdown);
}

} // namespace beckon::actors
