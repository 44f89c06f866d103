#include "cluster_chaos.hpp"
#include "decision/hash.hpp"

#include <algorithm>
#include <map>
#include <set>

// What must hold once nothing fails any more.
namespace beckon::actors::test {

namespace {

/// Within this time after healing every shard has an owner that serves.
constexpr int64_t healing_ms = 15'000;
/// Longer than anything that is under way may take.
constexpr int64_t settling_ms = 14'000;

} // namespace

void chaos::heal() {
  world_.book.note("healing");
  for (size_t a = 0; a < sim_nodes_max; ++a) {
    for (size_t b = 0; b < sim_nodes_max; ++b)
      world_.network.set(a, b, sim_network::way::open);
    auto& n = world_.nodes[a];
    n.way.cut = false;
    n.way.lose_percent = n.way.fail_percent = n.way.slow_percent = 0;
    world_.resume(a);
    if (n.now == sim_node::life::off && dice_.percent(40))
      world_.boot(a);
  }
  world_.forget_stalls();
  auto living = world_.living();
  auto stays = [this](size_t place) { return !world_.nodes[place].stopping; };
  if (std::none_of(living.begin(), living.end(), stays))
    for (auto& n : world_.nodes)
      if (n.now == sim_node::life::off) {
        world_.boot(n.place);
        break;
      }
}

void chaos::settle() {
  heal();
  world_.run_for(healing_ms);
  if (!is_over())
    check_owners("after healing");
  traffic_on_ = false;
  world_.run_for(settling_ms);
  if (is_over())
    return;
  check_owners("at the end");
  check_asks();
  check_catalogs();
  check_service();
  std::set<std::string> waiting;
  for (const auto& n : world_.nodes)
    if (n.now == sim_node::life::off)
      for (const auto& id : n.outbox->ids())
        waiting.insert(id);
  auto session = world_.database->open_reader();
  world_.book.check_stored(**session, waiting);
  if (!is_over() && dice_.percent(30))
    check_join_and_stop();
}

void chaos::check_owners(const char* when) {
  auto picture = world_.tables();
  std::set<storage::incarnation_id> active;
  for (const auto& n : picture.nodes)
    if (n.state == storage::node_state::active)
      active.insert(n.incarnation);
  size_t lost = 0;
  for (const auto& s : picture.shards)
    lost += active.count(s.owner) == 0 ? 1 : 0;
  auto leaving = world_.living();
  auto stops = [this](size_t place) { return world_.nodes[place].stopping; };
  if (lost != 0 && std::none_of(leaving.begin(), leaving.end(), stops))
    world_.book.violate(std::to_string(lost) + " shards are owned by nobody that is active, " + when);
  for (auto place : world_.living()) {
    auto& n = world_.nodes[place];
    const auto& c = *n.node->cluster;
    if (n.stopping)
      continue;
    if (!c.active)
      world_.book.violate("node " + std::to_string(place) + " is not active, " + when);
    else if (c.shards_unreachable != 0)
      world_.book.violate("node " + std::to_string(place) + " does not reach "
                          + std::to_string(c.shards_unreachable) + " shards, " + when);
  }
}

void chaos::check_asks() {
  for (const auto& a : world_.asks)
    if (a->answers == 0 && world_.is_alive(a->process) && a->sent_ms > last_lost_ms_[a->process])
      world_.book.violate("an ask of kind " + std::to_string(static_cast<unsigned>(a->what)) + " about '"
                          + a->user + "' of " + std::to_string(a->sent_ms) + " ms to process "
                          + std::to_string(a->process) + " has no answer");
}

void chaos::check_catalogs() {
  auto session = world_.database->open_reader();
  auto stored = (*session)->load_catalog_version();
  for (auto place : world_.living()) {
    auto catalog = world_.nodes[place].node->catalog();
    if (!catalog || catalog->version() != *stored)
      world_.book.violate("node " + std::to_string(place) + " has another catalogue than is stored");
  }
}

/// Every node serves every user, be it through another one.
void chaos::check_service() {
  auto before = world_.asks.size();
  for (auto place : world_.living())
    for (size_t u = 0; u < users_ && !world_.nodes[place].stopping; ++u) {
      sim_ask a;
      a.user = "user-" + std::to_string(u);
      a.what = sim_ask::kind::get;
      a.known_patches = world_.book.patches(a.user);
      world_.ask(std::move(a), place);
      world_.run_for(100); // some runs have little room in the gateways
    }
  world_.run_for(1500);
  for (auto i = before; i < world_.asks.size(); ++i)
    if (world_.asks[i]->answers == 0 || !world_.asks[i]->served)
      world_.book.violate("'" + world_.asks[i]->user + "' is not served although all is well");
}

/// A node that joins a cluster at rest gets its share and nothing else moves; one that stops gives all of its
/// own away. Nobody who asks meanwhile is turned away.
void chaos::check_join_and_stop() {
  auto free = std::find_if(world_.nodes.begin(), world_.nodes.end(),
                           [](const auto& n) { return n.now == sim_node::life::off; });
  if (free == world_.nodes.end())
    return;
  world_.run_for(20'000);
  auto first = world_.asks.size();
  traffic_on_ = ready_only_ = true;
  auto before = world_.tables();
  world_.boot(free->place);
  world_.run_for(30'000);
  if (is_over())
    return;
  auto after = world_.tables();
  check_share(before, after);
  world_.stop(world_.living().front());
  world_.run_for(30'000);
  traffic_on_ = false;
  world_.run_for(3000);
  if (world_.tables().nodes.back().incarnation > after.nodes.back().incarnation)
    world_.book.violate("a node joined anew although all was well");
  check_owners("after a join and a stop");
  for (auto i = first; i < world_.asks.size(); ++i)
    if (const auto& a = *world_.asks[i]; !a.served && world_.is_alive(a.process) && !few_asks_)
      world_.book.violate("an ask of kind " + std::to_string(static_cast<unsigned>(a.what)) + " about '"
                          + a.user + "' of " + std::to_string(a.sent_ms)
                          + " ms was turned away, with a join or a stop alone");
}

void chaos::check_share(const storage::cluster_picture& before, const storage::cluster_picture& after) {
  auto active = std::count_if(after.nodes.begin(), after.nodes.end(),
                              [](const auto& n) { return n.state == storage::node_state::active; });
  auto joined = after.nodes.back().incarnation;
  size_t moved = 0;
  for (size_t i = 0; i < after.shards.size(); ++i) {
    if (after.shards[i].epoch == before.shards[i].epoch)
      continue;
    ++moved;
    if (after.shards[i].owner != joined || after.shards[i].epoch != before.shards[i].epoch + 1)
      world_.book.violate("a join moved shard " + std::to_string(i) + " between others");
  }
  auto share = decision::shard_count / static_cast<size_t>(active);
  if (moved < share || moved * 10 > (share + 1) * 12)
    world_.book.violate("a join moved " + std::to_string(moved) + " shards, its share is "
                        + std::to_string(share));
}

} // namespace beckon::actors::test
