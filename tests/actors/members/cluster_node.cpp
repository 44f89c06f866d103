#include "actors/catalog/catalog_cache.hpp"
#include "actors/members/door.hpp"
#include "actors/members/membership.hpp"
#include "actors/members/shard_map.hpp"
#include "actors/users/user_shard.hpp"
#include "actors/work/outbox_shipper.hpp"
#include "actors/work/reader.hpp"
#include "actors/work/work_plan.hpp"
#include "actors/work/work_pool.hpp"
#include "actors/work/writer.hpp"
#include "cluster_fixture.hpp"
#include "decision/hash.hpp"

#include <prometheus/registry.h>

#include <chrono>

// What a simulated node is made of: the actors that its supervisor would start, all on the scheduler.
namespace beckon::actors::test {

namespace {

/// The figures of a place are kept over all runs: making them costs more than a run.
struct figures {
  std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();
  std::shared_ptr<node_metrics> node = std::make_shared<node_metrics>(registry);
  std::shared_ptr<prometheus::Registry> cluster_registry = std::make_shared<prometheus::Registry>();
};

figures& figures_of(size_t place) {
  static std::array<figures, sim_nodes_max> all;
  return all[place];
}

/// What a stop in good order goes through, as supervisor_state does.
struct stopper_state {
  sim_stopper_actor::pointer self = nullptr;
  node_context_ptr node;
  outbox_shipper_actor shipper;
  std::function<void()> done;

  static constexpr std::chrono::seconds grace{10};
  static constexpr std::chrono::seconds flush{4};

  void give_shards_away() {
    self->request(node->cluster->map(), grace, drained_atom::value)
        .then([this](drained_atom) { flush_outbox(); }, [this](const caf::error&) { flush_outbox(); });
  }
  void flush_outbox() {
    self->request(node->handles()->event_writers, flush, stop_atom::value)
        .then([this](stop_atom) { ship(); }, [this](const caf::error&) { ship(); });
  }
  void ship() {
    self->request(shipper, flush, stop_atom::value)
        .then([this](stop_atom) { flush_writers(); }, [this](const caf::error&) { flush_writers(); });
  }
  void flush_writers() {
    self->request(node->handles()->writers, flush, stop_atom::value)
        .then([this](stop_atom) { leave(); }, [this](const caf::error&) { leave(); });
  }
  void leave() {
    self->request(node->cluster->map(), flush, stop_atom::value)
        .then([this](stop_atom) { done(); }, [this](const caf::error&) { done(); });
  }

  static inline const char* name = "stopper";
};

sim_stopper_actor::behavior_type stopper(sim_stopper_actor::stateful_pointer<stopper_state> self,
                                         node_context_ptr node, outbox_shipper_actor shipper,
                                         std::function<void()> done) {
  self->state.self = self;
  self->state.node = std::move(node);
  self->state.shipper = std::move(shipper);
  self->state.done = std::move(done);
  return {
      [self](stop_atom) { self->state.give_shards_away(); },
  };
}

} // namespace

void sim_cluster::boot(size_t place) {
  auto& n = nodes[place];
  n.process = ++processes_;
  alive_[n.process] = place;
  n.now = sim_node::life::up;
  n.stopping = false;
  n.catalog_seen = 0;
  n.node = std::make_shared<node_context>();
  n.store = make_watched_store(database, n.way, dice, book);
  n.node->options = options;
  n.node->metrics = figures_of(place).node;
  n.node->now_ms = &sim_time::database;
  n.node->outbox = n.outbox;
  n.node->cluster = std::make_shared<cluster_context>();
  auto& c = *n.node->cluster;
  c.options = cluster;
  c.options.node = "node" + std::to_string(place);
  c.options.identity = "disk" + std::to_string(place);
  c.options.address = address_of(place);
  c.steady_ms = &sim_time::steady;
  c.metrics = std::make_unique<cluster_metrics>(*figures_of(place).cluster_registry);
  auto last = system_.latest_actor_id();
  spawn_all(n);
  note_spawned(last, static_cast<int64_t>(n.process));
  book.note("boot of node " + std::to_string(place) + ", process " + std::to_string(n.process));
}

void sim_cluster::spawn_all(sim_node& n) {
  auto table = std::make_shared<node_handles>();
  for (uint16_t i = 0; i < decision::shard_count; ++i)
    table->shards.push_back(system_.spawn(user_shard, n.node, i));
  auto& m = *n.node->metrics;
  auto writes = store_plan(*n.node);
  auto reads = read_plan(*n.node);
  table->writers = system_.spawn(writer_pool, n.node, writes);
  table->event_writers = system_.spawn(writer_pool, n.node, outbox_plan(*n.node));
  table->readers = system_.spawn(reader_pool, n.node, reads);
  table->shipper = n.shipper = system_.spawn(outbox_shipper, n.node);
  table->catalog = system_.spawn(catalog_cache, n.node);
  n.node->publish(table);
  for (uint32_t lane = 0; lane < writes.lanes.size(); ++lane) {
    n.writers.push_back(system_.spawn(writer, writes_to(n.store), &m.store_pool));
    caf::anon_send(table->writers, attach_atom::value, lane, n.writers.back());
  }
  auto open = [box = n.node->outbox]() -> caf::expected<std::unique_ptr<storage::write_session>> {
    return box->open_writer();
  };
  caf::anon_send(table->event_writers, attach_atom::value, uint32_t{0},
                 system_.spawn(writer, session_opener{open}, &m.outbox_pool));
  for (uint32_t lane = 0; lane < reads.lanes.size(); ++lane) {
    n.reader = system_.spawn(reader, n.store, &m.read_pool);
    caf::anon_send(table->readers, attach_atom::value, lane, n.reader);
  }
  auto& c = *n.node->cluster;
  auto calls = system_.spawn(membership, n.node, n.store);
  auto dials = system_.spawn(sim_dialer, &network, n.place);
  c.publish([&](auto& t) {
    t.membership = calls;
    t.dialer = dials;
  });
  auto map = system_.spawn(shard_map, n.node);
  c.publish([&](auto& t) { t.map = map; });
  n.door = system_.spawn(door, n.node);
}

void sim_cluster::stop(size_t place) {
  auto& n = nodes[place];
  n.stopping = true;
  book.note("stop of node " + std::to_string(place));
  auto last = system_.latest_actor_id();
  auto process = n.process;
  auto done = [this, process, place] {
    book.note("end of node " + std::to_string(place));
    ended_.push_back(process);
  };
  auto s = system_.spawn(stopper, n.node, n.shipper, std::function<void()>{done});
  note_spawned(last, static_cast<int64_t>(process));
  caf::anon_send(s, stop_atom::value);
}

} // namespace beckon::actors::test
