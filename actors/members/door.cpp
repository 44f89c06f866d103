#include "actors/members/door.hpp"

#include <caf/sec.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

namespace beckon::actors {

const char* door_state::name = "door";

namespace {

constexpr std::chrono::seconds admission_wait{2};

/// Why a hello is not for this node; empty if it is.
std::string objection(const cluster::hello& h, const cluster_options& o, storage::incarnation_id self) {
  if (h.cluster != o.cluster)
    return "it belongs to cluster '" + h.cluster + "', this node to '" + o.cluster
           + "'; give each cluster its own database and addresses";
  if (cluster::common_protocol(h.speaks, o.speaks) == 0)
    return cluster::describe_disagreement(h.speaks, o.speaks);
  if (self == 0 || h.to != self)
    return "it looks for incarnation " + std::to_string(h.to) + ", this node is "
           + (self == 0 ? std::string{"not a member now"} : "incarnation " + std::to_string(self));
  return {};
}

} // namespace

door_state::reply door_state::let_in(const peer_bytes& bytes, const link_actor& link) {
  std::string fault;
  auto h = cluster::decode_hello(bytes.bytes, fault);
  const auto& o = node->cluster->options;
  auto own = node->cluster->owners()->self;
  if (h)
    fault = link ? objection(*h, o, own) : "its hello names no end of a link";
  if (!h || !fault.empty()) {
    auto who =
        h ? "node '" + h->name + "' (incarnation " + std::to_string(h->from) + ")" : std::string{"somebody"};
    spdlog::warn("cluster: {} is refused: {}", who, fault);
    return caf::make_error(caf::sec::runtime_error, fault);
  }
  auto promise = self->make_response_promise<hello_atom, peer_bytes, link_actor>();
  auto own_hello = cluster::encode(cluster::hello{o.cluster, o.node, own, h->from, o.speaks});
  self->request(node->cluster->map(), admission_wait, link_atom::value, uint64_t{h->from}, link)
      .then(
          [promise, own_hello](const link_actor& end) mutable {
            promise.deliver(hello_atom::value, peer_bytes{std::move(own_hello)}, end);
          },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

door_actor::behavior_type door(door_actor::stateful_pointer<door_state> self, node_context_ptr node) {
  self->state.self = self;
  self->state.node = std::move(node);
  return {
      [self](hello_atom, const peer_bytes& bytes, const link_actor& link) {
        return self->state.let_in(bytes, link);
      },
  };
}

} // namespace beckon::actors
