#pragma once

#include "actors/context/interfaces.hpp"
#include "cluster/node_machine.hpp"
#include "cluster/wire.hpp"
#include "storage/cluster_store.hpp"

#include <caf/meta/type_name.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// The messages between the actors of the cluster. Only peer_bytes leaves the process.
namespace beckon::actors {

/// A message between nodes: a hello or a batch, as defined in cluster/wire.hpp.
struct peer_bytes {
  std::string bytes;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, peer_bytes& x) {
  return f(caf::meta::type_name("peer_bytes"), x.bytes);
}

struct events_ask;
struct membership_ask;
struct membership_answer;
struct dial_order;
struct cluster_status;
using events_ask_ptr = std::shared_ptr<const events_ask>;
using membership_ask_ptr = std::shared_ptr<const membership_ask>;
using membership_answer_ptr = std::shared_ptr<const membership_answer>;
using dial_order_ptr = std::shared_ptr<const dial_order>;
using cluster_status_ptr = std::shared_ptr<const cluster_status>;

} // namespace beckon::actors

CAF_BEGIN_TYPE_ID_BLOCK(beckon_cluster, beckon_actors_last_type_id + 1)
CAF_ADD_TYPE_ID(beckon_cluster, (beckon::actors::peer_bytes))
CAF_ADD_ATOM(beckon_cluster, beckon::actors, hello_atom, "hello")
CAF_ADD_ATOM(beckon_cluster, beckon::actors, batch_atom, "batch")
CAF_ADD_ATOM(beckon_cluster, beckon::actors, link_atom, "link")
CAF_ADD_ATOM(beckon_cluster, beckon::actors, unlink_atom, "unlink")
CAF_ADD_ATOM(beckon_cluster, beckon::actors, dial_atom, "dial")
CAF_ADD_ATOM(beckon_cluster, beckon::actors, call_atom, "call")
CAF_ADD_ATOM(beckon_cluster, beckon::actors, hint_atom, "hint")
CAF_ADD_ATOM(beckon_cluster, beckon::actors, handed_atom, "handed")
CAF_ADD_ATOM(beckon_cluster, beckon::actors, drained_atom, "drained")
CAF_ADD_ATOM(beckon_cluster, beckon::actors, flush_atom, "flush")

namespace beckon::actors {

/// The end of a link that the peer sees.
using link_actor = caf::typed_actor<caf::reacts_to<batch_atom, peer_bytes>>;

} // namespace beckon::actors

CAF_ADD_TYPE_ID(beckon_cluster, (beckon::actors::link_actor))
CAF_END_TYPE_ID_BLOCK(beckon_cluster)

namespace beckon::actors {

/// Receives the result of events that it sent to their owner.
using events_client_actor = caf::typed_actor<caf::reacts_to<events_answer_ptr>>;

/// Carries everything between this node and one peer: asks, answers, events and hints, in batches; what
/// gathers while batches are in flight goes as one. Runs on: scheduler. Blocks: no. Bounds:
/// cluster.gateway-asks-max, gateway-bytes-max (beyond: overloaded), cluster.forward-timeout-ms
/// (unavailable). Lost with the link: unanswered asks (unavailable; it is unknown whether they took effect).
using gateway_actor = link_actor::extend<
    // For the owner there. The answer is the owner's, or unavailable, or overloaded, or moving.
    caf::replies_to<decide_atom, decide_ask_ptr>::with<decide_answer_ptr>,
    caf::replies_to<user_atom, user_ask_ptr>::with<user_answer_ptr>,
    // Events for the owner there; exactly one answer.
    caf::reacts_to<events_ask_ptr>,
    // Answers of this node's shards and writers to what the peer asked.
    caf::reacts_to<decide_answer_ptr>, caf::reacts_to<user_answer_ptr>, caf::reacts_to<write_result_ptr>,
    // A link is about to be made: forget what belongs to an older one.
    caf::reacts_to<dial_atom>,
    // The link is up.
    caf::reacts_to<link_atom, link_actor>,
    // The catalogue or a shard has changed: tell the peer.
    caf::reacts_to<hint_atom, uint64_t /* catalogue version */>,
    caf::reacts_to<hint_atom, uint16_t /* shard */, uint64_t /* owner */, uint64_t /* epoch */>,
    // Sends what has gathered.
    caf::reacts_to<flush_atom>,
    // Checks for asks past their deadline, and for a silent link.
    caf::reacts_to<beat_atom>>;

/// Accepts peers: published for other nodes. Runs on: scheduler. Blocks: no.
using door_actor = caf::typed_actor<
    // Takes the peer's identity and its end of the link, returns ours. An error's text says why it is
    // refused.
    caf::replies_to<hello_atom, peer_bytes, link_actor>::with<hello_atom, peer_bytes, link_actor>>;

/// Connects to peers, one after the other. Runs on: own thread. Blocks: yes, at most
/// cluster.connect-timeout-ms.
using dialer_actor = caf::typed_actor<caf::reacts_to<dial_atom, dial_order_ptr>>;

/// Calls the cluster's tables. Runs on: own thread. Blocks: yes, at most cluster.database-timeout-ms per
/// call.
using membership_actor = caf::typed_actor<caf::reacts_to<call_atom, membership_ask_ptr>>;

/// Keeps this node's lease and knows the owner of each shard: gives orders to the shards, makes gateways,
/// hands over and takes over. Runs on: scheduler. Blocks: no. Bounds: one call to the tables at a time;
/// cluster.moves-max. Lost on a crash: the membership; the node joins again.
using shard_map_actor = caf::typed_actor<
    caf::reacts_to<membership_answer_ptr>,
    // A gateway's link came up or went down.
    caf::reacts_to<link_atom, uint64_t /* peer */, bool>,
    // A peer connects with its end of the link; the answer is ours. An error's text says why it is refused.
    caf::replies_to<link_atom, uint64_t /* peer */, link_actor>::with<link_actor>,
    // The dialer reached a peer, or failed.
    caf::reacts_to<dial_atom, uint64_t /* peer */, link_actor>,
    caf::reacts_to<unlink_atom, uint64_t /* peer */, std::string /* why */>,
    // A peer says who owns a shard.
    caf::reacts_to<hint_atom, uint16_t /* shard */, uint64_t /* owner */, uint64_t /* epoch */>,
    // This node changed the catalogue: tell all others.
    caf::reacts_to<hint_atom, uint64_t /* catalogue version */>,
    // Something showed that the tables have changed.
    caf::reacts_to<look_atom>,
    // A shard was restarted: repeat its order.
    caf::reacts_to<order_atom, uint16_t /* shard */>,
    // The membership was restarted.
    caf::reacts_to<lost_atom>,
    // A shard has finished its work.
    caf::reacts_to<handed_atom, uint16_t /* shard */, uint64_t /* epoch */>,
    caf::replies_to<view_atom>::with<cluster_status_ptr>,
    // Gives all shards away; answers when none is left, or nobody can take them.
    caf::replies_to<drained_atom>::with<drained_atom>,
    // Leaves; answers when it has left.
    caf::replies_to<stop_atom>::with<stop_atom>,
    // Does what is due.
    caf::reacts_to<beat_atom>>;

/// A shard's order, and the owner's gateway if it is elsewhere.
struct shard_orders {
  cluster::shard_order order;
  gateway_actor gateway; // null unless elsewhere
};

struct events_ask {
  uint64_t token = 0;
  std::vector<storage::event_row> events;
  events_client_actor client;
};

struct events_answer {
  uint64_t token = 0;
  cluster::events_result result = cluster::events_result::not_now;
  uint32_t duplicates = 0;
  bool unreachable = false; // there is no link to the owner, or it does not answer
  std::string detail;
};

struct membership_ask {
  cluster::cluster_call call;
  storage::incarnation_id self = 0;
  shard_map_actor client;
};

/// The result of a call, in the matching alternative.
struct membership_answer {
  membership_ask_ptr ask;
  caf::error error;
  int64_t sent_ms = 0; // steady
  int64_t done_ms = 0; // steady
  std::variant<std::monostate, storage::incarnation_id, storage::cluster_picture, bool,
               std::vector<storage::incarnation_id>, std::vector<storage::cluster_shard>>
      value;
};

struct dial_order {
  storage::incarnation_id peer = 0;
  std::string address; // host:port
  cluster::hello hello;
  link_actor own_end;
  shard_map_actor client;
};

/// The cluster as this node knows it, for people.
struct cluster_status {
  cluster::node_phase phase = cluster::node_phase::out;
  storage::incarnation_id self = 0;
  int64_t lease_left_ms = 0;
  int64_t clock_off_ms = 0; // this host's clock minus the database's
  storage::cluster_picture picture;
  std::vector<storage::incarnation_id> links; // peers whose link is up
  std::string fault;                          // why the tables cannot be read; empty: they can
};

/// The owners of all shards, for splitting work by owner. Immutable.
struct ownership {
  struct owner {
    storage::incarnation_id incarnation = 0; // 0: nobody
    uint64_t epoch = 0;
    gateway_actor gateway; // null: this node, or nobody
  };
  storage::incarnation_id self = 0;
  std::array<owner, decision::shard_count> shards;

  bool is_here(uint32_t shard) const { return self != 0 && shards[shard].incarnation == self; }
};
using ownership_ptr = std::shared_ptr<const ownership>;

/// The fences for a write of these events: by shard, with the owners from `o`.
std::vector<storage::shard_fence> fences_of(const std::vector<storage::event_row>& events,
                                            const ownership& o);

} // namespace beckon::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::events_ask_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::membership_ask_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::membership_answer_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::dial_order_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::cluster_status_ptr)
