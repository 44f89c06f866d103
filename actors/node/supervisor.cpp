#include "actors/node/supervisor.hpp"

#include "actors/catalog/catalog_cache.hpp"
#include "actors/context/cluster_context.hpp"
#include "actors/users/user_shard.hpp"
#include "actors/work/answer_pruner.hpp"
#include "actors/work/eraser.hpp"
#include "actors/work/outbox_shipper.hpp"
#include "actors/work/reader.hpp"
#include "actors/work/work_plan.hpp"
#include "actors/work/work_pool.hpp"
#include "actors/work/writer.hpp"
#include "base/clock.hpp"
#include "decision/hash.hpp"

#include <prometheus/counter.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace beckon::actors {

const char* supervisor_state::name = "supervisor";

namespace {

constexpr std::chrono::seconds flush_wait_min{1};

} // namespace

void supervisor_state::adopt(child c) {
  auto started = c.start();
  self->monitor(caf::actor_cast<caf::actor_addr>(started));
  children.emplace(caf::actor_cast<caf::actor_addr>(started), std::move(c));
}

void supervisor_state::replace(const std::function<void(node_handles&)>& change) {
  auto present = node->handles();
  auto table = present ? std::make_shared<node_handles>(*present) : std::make_shared<node_handles>();
  table->shards.resize(decision::shard_count);
  change(*table);
  node->publish(std::move(table));
}

// What a pool had in hand is lost with it: its clients must not wait for it.
void supervisor_state::tell_lost() {
  auto table = node->handles();
  for (const auto& shard : table->shards)
    if (shard)
      self->send(shard, lost_atom::value);
  if (table->catalog)
    self->send(table->catalog, lost_atom::value);
  if (table->eraser)
    self->send(table->eraser, lost_atom::value);
  if (table->shipper)
    self->send(table->shipper, lost_atom::value);
}

caf::strong_actor_ptr supervisor_state::start_shard(uint16_t number) {
  auto shard = self->spawn(user_shard, node, number);
  auto& counters = node->metrics->shard(number);
  counters.taken.set(counters.asked.load(std::memory_order_relaxed)); // what its mailbox held is gone
  replace([&](node_handles& t) { t.shards[number] = shard; });
  // After the handle is published: a catalogue that came in between has reached either the handle or this
  // line. What to do with the shard is the shard map's to tell, and nobody else's, so that orders keep their
  // order.
  if (node->cluster && node->cluster->map())
    self->send(node->cluster->map(), order_atom::value, number);
  if (auto present = node->catalog())
    self->send(shard, adopt_atom::value, present);
  ++node->health.shards_alive;
  return caf::actor_cast<caf::strong_actor_ptr>(shard);
}

// A pool that starts again finds its workers alive: they are attached to the new one. What it had in hand is
// lost with it.
template <class Job, class Result>
template <class Pool, class Publish>
void supervisor_state::crew<Job, Result>::start(supervisor_state& st, const char* pool_name, Pool make_pool,
                                                Publish publish) {
  st.adopt({pool_name, [this, &st, make_pool, publish] {
              pool = make_pool();
              publish();
              for (uint32_t lane = 0; lane < workers.size(); ++lane)
                if (workers[lane])
                  st.self->send(pool, attach_atom::value, lane, workers[lane]);
              return caf::actor_cast<caf::strong_actor_ptr>(pool);
            }});
}

template <class Job, class Result>
template <class Worker>
void supervisor_state::crew<Job, Result>::staff(supervisor_state& st, const char* worker_name, size_t lanes,
                                                Worker make_worker) {
  workers.resize(lanes);
  for (uint32_t lane = 0; lane < lanes; ++lane)
    st.adopt({worker_name, [this, &st, lane, make_worker] {
                workers[lane] = make_worker();
                st.self->send(pool, attach_atom::value, lane, workers[lane]);
                return caf::actor_cast<caf::strong_actor_ptr>(workers[lane]);
              }});
}

void supervisor_state::start_pools() {
  auto& metrics = *node->metrics;
  writers.start(
      *this, "writer_pool", [this] { return self->spawn(writer_pool, node, store_plan(*node)); },
      [this] {
        replace([this](node_handles& t) {
          t.writers = writers.pool;
          if (!node->outbox)
            t.event_writers = writers.pool;
        });
        tell_lost();
      });
  readers.start(
      *this, "reader_pool", [this] { return self->spawn(reader_pool, node, read_plan(*node)); },
      [this] {
        replace([this](node_handles& t) { t.readers = readers.pool; });
        tell_lost();
      });
  writers.staff(*this, "writer", store_plan(*node).lanes.size(), [this, &metrics] {
    return self->spawn<caf::detached>(writer, writes_to(store), &metrics.store_pool);
  });
  readers.staff(*this, "reader", read_plan(*node).lanes.size(),
                [this, &metrics] { return self->spawn<caf::detached>(reader, store, &metrics.read_pool); });
}

// The outbox takes events through a pool of its own: group commit, bounds and credit are the same as for the
// store.
void supervisor_state::start_outbox() {
  appenders.start(
      *this, "outbox_pool", [this] { return self->spawn(writer_pool, node, outbox_plan(*node)); },
      [this] { replace([this](node_handles& t) { t.event_writers = appenders.pool; }); });
  auto open = [box = node->outbox]() -> caf::expected<std::unique_ptr<storage::write_session>> {
    return box->open_writer();
  };
  appenders.staff(*this, "outbox_writer", outbox_plan(*node).lanes.size(), [this, open] {
    return self->spawn<caf::detached>(writer, session_opener{open}, &node->metrics->outbox_pool);
  });
  adopt({"outbox_shipper", [this] {
           auto shipper = self->spawn<caf::detached>(outbox_shipper, node);
           replace([&](node_handles& t) { t.shipper = shipper; });
           return caf::actor_cast<caf::strong_actor_ptr>(shipper);
         }});
}

void supervisor_state::start_shards() {
  for (uint16_t i = 0; i < decision::shard_count; ++i)
    adopt({"user_shard", [this, i] { return start_shard(i); }});
}

void supervisor_state::start_all() {
  replace([](node_handles&) {});
  start_pools();
  start_shards();
  if (node->outbox)
    start_outbox();
  adopt({"catalog_cache", [this] {
           auto cache = self->spawn(catalog_cache, node);
           replace([&](node_handles& t) { t.catalog = cache; });
           return caf::actor_cast<caf::strong_actor_ptr>(cache);
         }});
  adopt({"answer_pruner",
         [this] { return caf::actor_cast<caf::strong_actor_ptr>(self->spawn(answer_pruner, node)); }});
  adopt({"eraser", [this] {
           auto e = self->spawn(eraser, node);
           replace([&](node_handles& t) { t.eraser = e; });
           return caf::actor_cast<caf::strong_actor_ptr>(e);
         }});
  if (node->cluster)
    start_cluster();
}

// The address keeps nobody alive: the node outlives its supervisor.
void supervisor_state::listen() {
  hears = node->health.bell.add([address = caf::actor_cast<caf::actor_addr>(self)] {
    if (auto alive = caf::actor_cast<caf::strong_actor_ptr>(address))
      caf::anon_send(caf::actor_cast<supervisor_actor>(alive), look_atom::value);
  });
}

caf::typed_response_promise<start_atom> supervisor_state::wait_until_started() {
  auto promise = self->make_response_promise<start_atom>();
  starting.push_back(promise);
  look();
  return promise;
}

void supervisor_state::child_down(const caf::down_msg& down) {
  auto i = children.find(down.source);
  if (i == children.end())
    return;
  auto c = std::move(i->second);
  children.erase(i);
  if (c.name == "user_shard")
    --node->health.shards_alive;
  if (stopped) {
    finish_if_alone();
    return;
  }
  auto now = base::steady_ms();
  const auto& o = node->options;
  while (!restarts_ms.empty() && restarts_ms.front() < now - o.restart_window_ms)
    restarts_ms.pop_front();
  auto pause = o.backoff_ms << std::min<size_t>(restarts_ms.size(), 10);
  restarts_ms.push_back(now);
  spdlog::error("actor {} died ({}); starting it again in {} ms", c.name, self->system().render(down.reason),
                pause);
  if (restarts_ms.size() > o.restarts_max) {
    node->health.fail("actors die again and again, the last was " + c.name + ": "
                      + self->system().render(down.reason));
    return;
  }
  due.push_back({now + pause, std::move(c)});
  wait_for_due();
}

void supervisor_state::wait_for_due() {
  auto nearest = next_turn::never;
  for (const auto& d : due)
    nearest = std::min(nearest, d.at_ms);
  turn.at(self, nearest, base::steady_ms());
}

void supervisor_state::restart_due() {
  auto now = base::steady_ms();
  for (size_t i = 0; i < due.size();) {
    if (due[i].at_ms > now) {
      ++i;
      continue;
    }
    auto c = std::move(due[i].what);
    due.erase(due.begin() + static_cast<std::ptrdiff_t>(i));
    node->metrics->restarts->Increment();
    adopt(std::move(c));
  }
}

bool supervisor_state::ready() const {
  const auto& h = node->health;
  return h.catalog_loaded && h.store.writable && (!node->outbox || h.outbox.writable)
         && (!node->cluster || (node->cluster->active && node->cluster->shards_unreachable == 0));
}

void supervisor_state::beat() {
  turn.came();
  if (stopped)
    return;
  restart_due();
  wait_for_due();
}

void supervisor_state::look() {
  if (!starting.empty() && ready())
    for (auto& promise : std::exchange(starting, {}))
      promise.deliver(start_atom::value);
}

caf::typed_response_promise<stop_atom> supervisor_state::stop() {
  stopping = self->make_response_promise<stop_atom>();
  auto promise = stopping;
  stopped = true;
  if (node->cluster)
    leave_cluster();
  else
    begin_stop();
  return promise;
}

void supervisor_state::begin_stop() {
  if (node->outbox)
    flush_outbox();
  else
    flush_writers();
}

/// Each of the flushes may take a third of the grace time.
std::chrono::milliseconds supervisor_state::flush_wait() const {
  return std::max<std::chrono::milliseconds>(flush_wait_min,
                                             std::chrono::milliseconds{node->options.grace_ms / 3});
}

// Accepted events are on this node's disk already; shipping them now only spares the next start the work.
void supervisor_state::flush_outbox() {
  auto ship = [this](stop_atom) {
    self->request(node->handles()->shipper, flush_wait(), stop_atom::value)
        .then([this](stop_atom) { flush_writers(); },
              [this](const caf::error&) {
                spdlog::warn("outbox: not all events were shipped; the next start goes on with them");
                flush_writers();
              });
  };
  self->request(node->handles()->event_writers, flush_wait(), stop_atom::value)
      .then(ship, [this](const caf::error& e) {
        node->health.fail("the outbox was not flushed: " + self->system().render(e));
        flush_writers();
      });
}

void supervisor_state::flush_writers() {
  self->request(node->handles()->writers, flush_wait(), stop_atom::value)
      .then([this](stop_atom) { end_membership(); },
            [this](const caf::error& e) {
              node->health.fail("the writers were not flushed: " + self->system().render(e));
              end_membership();
            });
}

void supervisor_state::kill_all() {
  due.clear();
  killing = true;
  for (const auto& [address, c] : children)
    if (auto actor = caf::actor_cast<caf::strong_actor_ptr>(address))
      self->send_exit(caf::actor_cast<caf::actor>(actor), caf::exit_reason::user_shutdown);
  writers = {};
  readers = {};
  appenders = {};
  finish_if_alone();
}

void supervisor_state::finish_if_alone() {
  if (!killing || !children.empty())
    return;
  node->health.bell.remove(hears);
  stopping.deliver(stop_atom::value);
  self->quit();
}

supervisor_actor::behavior_type supervisor(supervisor_state::self_pointer self, node_context_ptr node,
                                           storage::store_ptr store) {
  auto& st = self->state;
  st.self = self;
  st.node = std::move(node);
  st.store = std::move(store);
  self->set_down_handler([self](const caf::down_msg& down) { self->state.child_down(down); });
  st.listen();
  st.start_all();
  return {
      [self](start_atom) { return self->state.wait_until_started(); },
      [self](beat_atom) { self->state.beat(); },
      [self](look_atom) { self->state.look(); },
      [self](stop_atom) { return self->state.stop(); },
  };
}

} // namespace beckon::actors
