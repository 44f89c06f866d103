#include "cluster_chaos.hpp"

#include "decision/hash.hpp"

#include <algorithm>
#include <limits>

// What happens to the cluster in a run. What must hold afterwards: cluster_reckoning.cpp.
namespace beckon::actors::test {

namespace {

constexpr auto far = std::numeric_limits<int64_t>::max() / 4;

} // namespace

chaos::chaos(sim_cluster& world, chaos_controls controls)
    : world_(world), dice_(world.dice), controls_(controls) {
  choose_options();
  world_.each_step = [this] { traffic(); };
}

void chaos::choose_options() {
  auto& o = world_.options;
  o.writers = dice_.percent(50) ? 1 : 2;
  o.readers = 1;
  o.catalog_poll_ms = 1000;
  o.event_lanes = o.writers == 1 ? 0 : 2; // one lane for every class, or lanes of their own
  o.claims_queued = controls_.answers_early;
  auto& c = world_.cluster;
  c.cluster = "simulation";
  c.clock_warn_ms = far;
  c.clock_refuse_ms = far;
  if (dice_.percent(30)) {
    c.times.heartbeat_ms = 500;
    c.times.lease_ms = 3000;
    c.times.own_lease_ms = 2000;
    c.times.silent_ms = 1200;
    c.times.suspect_after_ms = 300;
    c.times.hand_over_ms = 1500;
  }
  if (dice_.percent(30))
    c.batches_in_flight_max = 1;
  few_asks_ = dice_.percent(20);
  if (few_asks_)
    c.gateway_asks_max = 3;
  world_.network.latency_max_ms = dice_.percent(50) ? 0 : dice_.between(1, 60);
  users_ = 1 + dice_.below(8);
  traffic_percent_ = 5 + dice_.below(40);
  for (auto& n : world_.nodes) {
    n.way.strips_fences = controls_.strips_fences;
    n.way.renames_events = controls_.renames_events;
  }
}

std::string chaos::run() {
  auto first = 1 + dice_.below(4);
  for (size_t i = 0; i < first; ++i)
    world_.boot(i);
  // Most runs begin with an established cluster.
  if (dice_.percent(80))
    world_.run_for(dice_.between(3000, 8000));
  auto turns = 4 + dice_.below(14);
  for (size_t i = 0; i < turns && !is_over(); ++i) {
    disturb();
    world_.run_for(dice_.between(0, dice_.percent(30) ? 6000 : 1500));
  }
  if (!is_over())
    settle();
  return world_.book.fault();
}

// -- clients

void chaos::traffic() {
  if (!traffic_on_)
    return;
  // Messages to a paused node wait for it.
  for (auto place : world_.living(true))
    if (!world_.nodes[place].stopping && dice_.percent(traffic_percent_) && (!ready_only_ || is_ready(place))
        && (world_.nodes[place].now == sim_node::life::up || dice_.percent(10)))
      ask_something(place);
}

bool chaos::is_ready(size_t place) const {
  const auto& n = *world_.nodes[place].node;
  return n.cluster->active && n.cluster->shards_unreachable == 0 && n.health.store.writable
         && n.health.catalog_loaded;
}

void chaos::ask_something(size_t place) {
  sim_ask a;
  a.user = any_user();
  auto die = dice_.below(100);
  if (die < 60) {
    if (dice_.percent(50)) {
      a.request_id = "r" + std::to_string(++last_request_);
      recent_requests_.emplace_back(a.user, a.request_id);
    } else if (!recent_requests_.empty() && dice_.percent(40)) {
      auto at = recent_requests_.size() - 1 - dice_.below(std::min<size_t>(recent_requests_.size(), 6));
      std::tie(a.user, a.request_id) = recent_requests_[at];
    }
  } else if (die < 80) {
    a.what = sim_ask::kind::events;
    for (auto n = 1 + dice_.below(3); n > 0; --n)
      a.rows.push_back(make_event());
    a.user = a.rows.front().user;
  } else if (die < 90 && last_patch_ < 50) {
    a.what = sim_ask::kind::patch;
    a.key = "k" + std::to_string(++last_patch_);
  } else {
    a.what = sim_ask::kind::get;
    a.known_patches = world_.book.patches(a.user);
  }
  world_.ask(std::move(a), place);
}

storage::event_row chaos::make_event() {
  if (!recent_events_.empty() && dice_.percent(20))
    return recent_events_[dice_.below(recent_events_.size())];
  storage::event_row e;
  e.id = "e" + std::to_string(++last_event_);
  using decision::event_type;
  e.type = std::array{event_type::impression, event_type::click, event_type::dismiss}[dice_.below(3)];
  e.user = any_user();
  e.popup = dice_.percent(50) ? "p0" : "p1";
  e.at_ms = e.received_ms = sim_time::database();
  recent_events_.push_back(e);
  return e;
}

void chaos::change_catalog() {
  auto living = world_.living();
  if (living.empty())
    return;
  auto place = living[dice_.below(living.size())];
  auto ask = std::make_shared<catalog_ask>();
  ask->id = "c" + std::to_string(dice_.below(3));
  ask->document = R"({"id":")" + ask->id + R"(","placements":["elsewhere"],"content":{"n":)"
                  + std::to_string(++last_change_) + "}}";
  caf::anon_send(world_.nodes[place].node->handles()->catalog, change_atom::value, catalog_ask_ptr{ask});
}

// -- disturbances

void chaos::disturb() {
  auto living = world_.living();
  auto die = dice_.below(100);
  if (living.empty() || die < 15) {
    auto place = dice_.below(sim_nodes_max);
    if (world_.nodes[place].now == sim_node::life::off)
      world_.boot(place);
    return;
  }
  auto place = living[dice_.below(living.size())];
  if (die < 45)
    disturb_node(place);
  else if (die < 70)
    disturb_network();
  else if (die < 90)
    disturb_database();
  else
    change_catalog();
}

void chaos::disturb_node(size_t place) {
  switch (dice_.below(7)) {
  case 0:
    world_.crash(place);
    if (dice_.percent(60))
      world_.later(dice_.between(0, 6000), [this, place] {
        if (world_.nodes[place].now == sim_node::life::off)
          world_.boot(place);
      });
    break;
  case 1:
  case 2: {
    // Of the times between the second and the third a node is given up while its own clock still lets it
    // claim.
    constexpr int64_t bounds[] = {100, 2000, 7500, 16000};
    auto third = dice_.below(3);
    world_.pause(place);
    world_.later(dice_.between(bounds[third], bounds[third + 1]), [this, place] { world_.resume(place); });
    break;
  }
  case 3:
    if (!world_.nodes[place].stopping)
      world_.stop(place);
    break;
  case 4:
    kill_gateway(place);
    break;
  default:
    stall_somebody(place);
  }
}

void chaos::kill_gateway(size_t place) {
  const auto owners = world_.nodes[place].node->cluster->owners();
  const auto& gateway = owners->shards[dice_.below(decision::shard_count)].gateway;
  if (!gateway)
    return;
  world_.book.note("death of a gateway of node " + std::to_string(place));
  caf::anon_send_exit(gateway, caf::exit_reason::kill);
  // What it was asked is lost with it, and what it is asked before its node, which may be paused, knows.
  last_lost_ms_[world_.nodes[place].process] = sim_time::now_ms + 20'000;
}

void chaos::stall_somebody(size_t place) {
  auto& n = world_.nodes[place];
  auto ms = dice_.between(50, dice_.percent(60) ? 1500 : 12000);
  auto table = n.node->handles();
  const char* name = nullptr;
  caf::strong_actor_ptr who;
  auto pick = [&](const char* what, const auto& handle) {
    name = what;
    who = caf::actor_cast<caf::strong_actor_ptr>(handle);
  };
  switch (dice_.below(6)) {
  case 0:
    pick("a writer", n.writers[dice_.below(n.writers.size())]);
    break;
  case 1:
    pick("the reader", n.reader);
    break;
  case 2:
    pick("the membership", n.node->cluster->actors()->membership);
    break;
  case 3:
    pick("the shard map", n.node->cluster->map());
    break;
  case 4:
    pick("a shard", table->shards[decision::shard_of(any_user())]);
    break;
  default:
    pick("the writers' pool", table->writers);
  }
  world_.book.note("stall of " + std::string{name} + " of node " + std::to_string(place) + " for "
                   + std::to_string(ms));
  world_.stall(who, ms);
}

void chaos::disturb_network() {
  using way = sim_network::way;
  auto a = dice_.below(sim_nodes_max);
  auto b = dice_.below(sim_nodes_max);
  if (a == b)
    return;
  auto& net = world_.network;
  auto ms = dice_.between(10, dice_.percent(50) ? 1500 : 9000);
  switch (dice_.below(4)) {
  case 0:
    world_.book.note("connections break between " + std::to_string(a) + " and " + std::to_string(b));
    net.part(a, b);
    return;
  case 1: // one way
    world_.book.note("held from " + std::to_string(a) + " to " + std::to_string(b));
    net.set(a, b, way::held);
    break;
  case 2:
    world_.book.note("held between " + std::to_string(a) + " and " + std::to_string(b));
    net.set(a, b, way::held);
    net.set(b, a, way::held);
    break;
  default:
    world_.book.note("cut between " + std::to_string(a) + " and " + std::to_string(b));
    net.set(a, b, way::cut);
    net.set(b, a, way::cut);
  }
  world_.later(ms, [&net, a, b] {
    net.set(a, b, way::open);
    net.set(b, a, way::open);
  });
}

void chaos::disturb_database() {
  auto all = dice_.percent(25);
  auto one = dice_.below(sim_nodes_max);
  auto ms = dice_.between(10, dice_.percent(60) ? 2500 : 14000);
  auto die = dice_.below(4);
  auto each = [this, all, one](auto&& change) {
    for (auto& n : world_.nodes)
      if (all || n.place == one)
        change(n.way);
  };
  auto percent = 5 + dice_.below(60);
  world_.book.note("database fault " + std::to_string(die) + " of " + (all ? "all" : std::to_string(one))
                   + " for " + std::to_string(ms));
  each([&](database_way& w) {
    if (die == 0)
      w.cut = true;
    else
      (die == 1 ? w.lose_percent : die == 2 ? w.fail_percent : w.slow_percent) = percent / (die == 3 ? 4 : 1);
  });
  world_.later(ms, [each] {
    each([](database_way& w) {
      w.cut = false;
      w.lose_percent = w.fail_percent = w.slow_percent = 0;
    });
  });
}

} // namespace beckon::actors::test
