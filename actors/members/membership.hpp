#pragma once

#include "actors/context/cluster_context.hpp"
#include "actors/context/node_context.hpp"
#include "storage/store.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <memory>

/// The room of a node's part in its cluster: the heartbeat and the tables, the map of shards and owners, and
/// the gateways between nodes. The rules themselves are in cluster/.
namespace beckon::actors {

/// State of the actor that calls the cluster's tables on its own connection, so that the lease is renewed
/// however busy the pools are. Spawn it detached.
struct membership_state {
  membership_actor::pointer self = nullptr;
  node_context_ptr node;
  storage::store_ptr store;
  std::unique_ptr<storage::cluster_store> tables;

  void call(const membership_ask_ptr& ask);

  static const char* name;

 private:
  caf::error carry_out(const membership_ask& ask, membership_answer& answer);
  caf::expected<storage::incarnation_id> join();
  caf::error refuse_clock();
};

membership_actor::behavior_type membership(membership_actor::stateful_pointer<membership_state> self,
                                           node_context_ptr node, storage::store_ptr store);

} // namespace beckon::actors
