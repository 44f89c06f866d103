#pragma once

#include "actors/context/cluster_context.hpp"
#include "actors/members/gateway.hpp"
#include "actors/members/open_cluster.hpp"
#include "cluster/wire.hpp"
#include "config/configuration.hpp"
#include "tests/actors/node_fixture.hpp"

#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace beckon::actors::test {

/// What a shard map was told.
struct map_log {
  std::vector<bool> links; // up, down, …
  std::vector<cluster::route_claim> hints;
  size_t looks = 0;
};

/// A shard map that only writes down.
inline shard_map_actor::behavior_type quiet_map(shard_map_actor::pointer self, map_log* log) {
  return {
      [](const membership_answer_ptr&) {},
      [log](link_atom, uint64_t, bool up) { log->links.push_back(up); },
      [self](link_atom, uint64_t, const link_actor&) { return self->make_response_promise<link_actor>(); },
      [](dial_atom, uint64_t, const link_actor&) {},
      [](unlink_atom, uint64_t, const std::string&) {},
      [log](hint_atom, uint16_t shard, uint64_t owner, uint64_t epoch) {
        log->hints.push_back({shard, owner, epoch});
      },
      [](hint_atom, uint64_t) {},
      [log](look_atom) { ++log->looks; },
      [](handed_atom, uint16_t, uint64_t) {},
      [](order_atom, uint16_t) {},
      [](lost_atom) {},
      [](view_atom) { return cluster_status_ptr{}; },
      [](drained_atom) { return drained_atom::value; },
      [](stop_atom) { return stop_atom::value; },
      [](beat_atom) {},
  };
}

/// The other end of a link: keeps what comes.
inline link_actor::behavior_type scripted_peer(link_actor::pointer, std::vector<std::string>* inbox) {
  return {
      [inbox](batch_atom, const peer_bytes& b) { inbox->push_back(b.bytes); },
  };
}

/// One gateway of incarnation 1 to incarnation 2, on a node with real shards, which own nothing unless told
/// to.
struct gateway_fixture : node_fixture {
  static constexpr storage::incarnation_id own = 1;
  static constexpr storage::incarnation_id peer = 2;

  static int64_t& steady() {
    static int64_t now = 1'000'000;
    return now;
  }

  std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();
  map_log log;
  shard_map_actor map;
  gateway_actor gate;
  link_actor link;
  std::vector<std::string> inbox;
  uint64_t peer_sequence = 0;
  uint64_t last_taken = 0; // of the gateway's batches

  cluster_context& context() { return *node->cluster; }

  void begin(cluster_options options = cluster_options_from(config::configuration{})) {
    node->cluster = std::make_shared<cluster_context>();
    context().options = std::move(options);
    context().steady_ms = [] { return steady(); };
    context().metrics = std::make_unique<cluster_metrics>(*registry);
    map = sys.spawn(quiet_map, &log);
    context().publish([this](auto& t) { t.map = map; });
    start();
    gate = sys.spawn(gateway, node, own, peer, std::string{"peer"});
    consume_messages();
  }

  void connect() {
    link = sys.spawn(scripted_peer, &inbox);
    self->send(gate, dial_atom::value);
    self->send(gate, link_atom::value, link);
    consume_messages();
  }

  ~gateway_fixture() {
    for (const auto& who : {caf::actor_cast<caf::actor>(gate), caf::actor_cast<caf::actor>(map),
                            caf::actor_cast<caf::actor>(link)})
      if (who)
        caf::anon_send_exit(who, caf::exit_reason::kill);
    consume_messages();
    if (node->cluster)
      context().publish([](auto& t) { t = {}; });
  }

  void pass(int64_t ms) {
    steady() += ms;
    clock_ms() += ms;
    sched.advance_time(std::chrono::milliseconds{ms});
    consume_messages();
  }

  // -- the peer

  /// What has come to the peer since the last time, batch for batch.
  std::vector<cluster::batch> take_batches() {
    std::vector<cluster::batch> out;
    for (const auto& bytes : std::exchange(inbox, {})) {
      std::string fault;
      auto b = cluster::decode_batch(bytes, {}, fault);
      CAF_REQUIRE(b);
      last_taken = b->head.sequence;
      out.push_back(std::move(*b));
    }
    return out;
  }
  cluster::batch take_batch() {
    auto all = take_batches();
    CAF_REQUIRE_EQUAL(all.size(), 1u);
    return all.front();
  }
  /// The only frame that has come since the last time. Batches without frames confirm; whether one goes
  /// before an answer depends on how long the answer takes.
  template <class Frame>
  Frame take_frame() {
    std::vector<cluster::frame> frames;
    for (auto& b : take_batches())
      for (auto& f : b.frames)
        frames.push_back(std::move(f));
    CAF_REQUIRE_EQUAL(frames.size(), 1u);
    CAF_REQUIRE(std::holds_alternative<Frame>(frames[0]));
    return std::get<Frame>(frames[0]);
  }

  void send_raw(std::string bytes) {
    self->send(gate, batch_atom::value, peer_bytes{std::move(bytes)});
    consume_messages();
  }
  static std::string batch_of(const cluster::batch_head& head, const std::vector<cluster::frame>& frames) {
    cluster::batch_writer w;
    for (const auto& f : frames)
      CAF_REQUIRE(w.add(f));
    return w.finish(head);
  }
  /// Confirms what came and sends frames, as a gateway does.
  void reply(const std::vector<cluster::frame>& frames = {}) {
    send_raw(batch_of({peer, own, peer_sequence, last_taken}, frames));
  }
  void ask_node(const cluster::frame& f) {
    ++peer_sequence;
    reply({f});
  }

  // -- this node

  void send_ask(const std::string& user) { self->send(gate, decide_atom::value, make_decide(user)); }

  void send_user_ask(const std::string& user) {
    auto ask = std::make_shared<user_ask>();
    ask->user = user;
    self->send(gate, user_atom::value, user_ask_ptr{ask});
  }

  template <class Answer>
  Answer take() {
    Answer got;
    self->receive([&](const Answer& a) { got = a; }, caf::after(std::chrono::seconds{0}) >> [] {});
    return got;
  }

  /// Where a shard is, told to the shard.
  void order(uint16_t shard, cluster::shard_phase phase, storage::incarnation_id owner, uint64_t epoch) {
    auto o = std::make_shared<shard_orders>();
    o->order = {shard, phase, owner, epoch};
    if (phase == cluster::shard_phase::elsewhere)
      o->gateway = gate;
    self->send(node->handles()->shards[shard], order_atom::value, shard_orders_ptr{o});
    consume_messages();
  }
  uint32_t in_time() const { return static_cast<uint32_t>(node->now_ms() + 1000); }
};

} // namespace beckon::actors::test
