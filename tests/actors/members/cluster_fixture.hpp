#pragma once

#include "actors/context/cluster_context.hpp"
#include "actors/context/node_context.hpp"
#include "actors/members/open_cluster.hpp"
#include "actors/node/configured_options.hpp"
#include "cluster_network.hpp"
#include "cluster_store.hpp"
#include "storage/store.hpp"

#include <caf/scheduler/test_coordinator.hpp>

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace beckon::actors::test {

/// Gets the answer to one ask, and stays, so that a second one is noticed.
using sim_client_actor = caf::typed_actor<caf::reacts_to<decide_answer_ptr>, caf::reacts_to<user_answer_ptr>,
                                          caf::reacts_to<write_result_ptr>>;

/// Stops a node as its supervisor does: shards, outbox, writers, membership.
using sim_stopper_actor = caf::typed_actor<caf::reacts_to<stop_atom>>;

/// One machine with its disk. Processes come and go on it.
struct sim_node {
  enum class life : uint8_t { off, up, paused };

  size_t place = 0;
  life now = life::off;
  uint64_t process = 0; // the number of the present one, or of the last
  node_context_ptr node;
  database_way way;
  std::shared_ptr<memory_outbox> outbox = std::make_shared<memory_outbox>();
  storage::store_ptr store;
  door_actor door;
  std::vector<writer_actor> writers;
  reader_actor reader;
  outbox_shipper_actor shipper;
  bool stopping = false;
  uint64_t catalog_seen = 0;
};

/// Several nodes in one process, on one database, in simulated time. What runs next is for the dice to say.
class sim_cluster {
 public:
  sim_cluster(caf::actor_system& system, caf::scheduler::test_coordinator& scheduler, uint64_t seed,
              bool is_loud);
  ~sim_cluster();

  sim_dice dice;
  sim_book book;
  sim_network network;
  storage::store_ptr database;
  std::array<sim_node, sim_nodes_max> nodes;
  node_options options = options_from(config::configuration{});
  cluster_options cluster = cluster_options_from(config::configuration{});

  // -- nodes
  void boot(size_t place);
  void stop(size_t place); // in good order
  void crash(size_t place);
  void pause(size_t place);
  void resume(size_t place);
  /// One actor of the node does not run for a while, as a connection that hangs does to it.
  void stall(const caf::strong_actor_ptr& who, int64_t ms);
  void forget_stalls();
  std::vector<size_t> living(bool with_paused = false) const;

  // -- time
  /// Runs what there is to run and lets time pass.
  void run_for(int64_t ms);
  void later(int64_t in_ms, std::function<void()> what);
  /// Called with each step of time.
  std::function<void()> each_step;

  // -- clients
  void ask(sim_ask what, size_t place);
  std::vector<std::unique_ptr<sim_ask>> asks;

  // -- what is known
  bool is_alive(uint64_t process) const { return alive_.count(process) != 0; }
  storage::cluster_picture tables();

 private:
  struct known_actor {
    int64_t process = -1; // nobody's
    bool seen = false;
    caf::weak_actor_ptr handle;
  };

  void spawn_all(sim_node& n);
  void write_first_rows();
  bool run_one();
  void burst(size_t most);
  void step();
  void note_spawned(caf::actor_id from, int64_t process);
  known_actor& known(caf::actor_id id);
  bool is_parked(caf::actor_id id);
  void unpark();
  void kill(uint64_t process);
  void check_step();

  caf::actor_system& system_;
  caf::scheduler::test_coordinator& scheduler_;
  int64_t scheduler_ms_; // up to when the scheduler's clock was set
  bool in_order_ = false;
  uint64_t processes_ = 0;
  std::map<uint64_t, size_t> alive_; // process: place
  caf::actor_id first_id_;
  std::vector<known_actor> actors_;
  std::set<caf::actor_id> stalled_;
  std::deque<caf::resumable*> parked_;
  std::multimap<int64_t, std::function<void()>> plans_;
  std::vector<uint64_t> ended_; // processes that have come to their end by themselves
};

} // namespace beckon::actors::test
