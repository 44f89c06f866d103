#include "actors/context/cluster_context.hpp"
#include "actors/members/dialer.hpp"
#include "actors/members/membership.hpp"
#include "actors/members/shard_map.hpp"
#include "actors/node/supervisor.hpp"

#include <spdlog/spdlog.h>

#include <chrono>

// The cluster's part of a start and of a stop.
namespace beckon::actors {

namespace {

/// What leaving takes is one transaction.
constexpr std::chrono::seconds leave_wait{5};

} // namespace

// A shard map that starts again knows of no membership: the node joins anew, and what it owned is given to it
// under new epochs.
void supervisor_state::start_cluster() {
  auto& cluster = *node->cluster;
  adopt({"membership", [this, &cluster] {
           auto m = self->spawn<caf::detached>(membership, node, store);
           cluster.publish([&](auto& t) { t.membership = m; });
           if (cluster.map())
             self->send(cluster.map(), lost_atom::value); // what the one before was asked is never answered
           return caf::actor_cast<caf::strong_actor_ptr>(m);
         }});
  if (cluster.transport)
    adopt({"dialer", [this, &cluster] {
             auto d = self->spawn<caf::detached>(dialer, node);
             cluster.publish([&](auto& t) { t.dialer = d; });
             return caf::actor_cast<caf::strong_actor_ptr>(d);
           }});
  adopt({"shard_map", [this, &cluster] {
           auto m = self->spawn(shard_map, node);
           cluster.publish([&](auto& t) { t.map = m; });
           return caf::actor_cast<caf::strong_actor_ptr>(m);
         }});
}

// Shards go while the writers and the outbox still work: what is under way is finished, and events find their
// new owners.
void supervisor_state::leave_cluster() {
  auto wait = std::chrono::milliseconds{std::max<int64_t>(node->options.grace_ms, 1000)};
  self->request(node->cluster->map(), wait, drained_atom::value)
      .then([this](drained_atom) { begin_stop(); },
            [this](const caf::error&) {
              spdlog::warn("cluster: not all shards were handed over in time; the others take what is left");
              begin_stop();
            });
}

void supervisor_state::end_membership() {
  if (!node->cluster) {
    kill_all();
    return;
  }
  self->request(node->cluster->map(), leave_wait, stop_atom::value)
      .then([this](stop_atom) { kill_all(); },
            [this](const caf::error&) {
              spdlog::warn(
                  "cluster: this node could not take itself off the list; its lease runs out by itself");
              kill_all();
            });
}

} // namespace beckon::actors
