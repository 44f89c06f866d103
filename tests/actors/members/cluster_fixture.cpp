#include "cluster_fixture.hpp"

#include "decision/hash.hpp"
#include "tests/support/memory_store.hpp"

#include <caf/scheduled_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

// Time, chance and clients. What a node is made of: cluster_node.cpp.
namespace beckon::actors::test {

namespace {

/// Messages without any time passing: more is a loop.
constexpr size_t burst_max = 300'000;

sim_client_actor::behavior_type client(sim_client_actor::pointer, sim_book* book, sim_ask* ask) {
  return {
      [=](const decide_answer_ptr& a) { book->answered(*ask, *a); },
      [=](const user_answer_ptr& a) { book->answered(*ask, *a); },
      [=](const write_result_ptr& r) { book->answered(*ask, *r); },
  };
}

} // namespace

sim_cluster::sim_cluster(caf::actor_system& system, caf::scheduler::test_coordinator& scheduler,
                         uint64_t seed, bool is_loud)
    : dice(seed),
      book(is_loud),
      network{system, dice, book, {}, 0, {}, {}, {}},
      system_(system),
      scheduler_(scheduler),
      first_id_(system.latest_actor_id() + 1) {
  sim_time::now_ms = 1'000'000;
  scheduler_ms_ = sim_time::now_ms;
  database = storage::make_memory_store(&sim_time::database);
  for (size_t i = 0; i < nodes.size(); ++i)
    nodes[i].place = i;
  network.door_of = [this](size_t place) {
    return nodes[place].now == sim_node::life::off ? door_actor{} : nodes[place].door;
  };
  network.belongs = [this](caf::actor_id id, int64_t process) { known(id).process = process; };
  in_order_ = dice.percent(20);
  write_first_rows();
}

sim_cluster::~sim_cluster() {
  each_step = nullptr;
  plans_.clear();
  for (const auto& [process, place] : std::map<uint64_t, size_t>{alive_})
    kill(process);
  kill(0);
  network.close();
  burst(burst_max);
  // Messages that were to come later hold their receivers.
  scheduler_.advance_time(std::chrono::hours{1});
  burst(burst_max);
}

void sim_cluster::write_first_rows() {
  auto session = database->open_writer();
  auto popup = [](const std::string& id, const std::string& more) {
    return storage::popup_write{id,
                                {},
                                R"({"id":")" + id + R"(","status":"live","placements":["home"],)" + more
                                    + R"("content":{"t":1}})",
                                0};
  };
  (void)(*session)->write({storage::settings_write{R"({"min_gap":"5s"})", {}},
                           popup("p0", R"("priority":1,"frequency":{"after_click":"20s"},)"),
                           popup("p1", "")});
}

// -- whose actors are whose

sim_cluster::known_actor& sim_cluster::known(caf::actor_id id) {
  auto at = static_cast<size_t>(id - first_id_);
  if (at >= actors_.size())
    actors_.resize(at + 64);
  return actors_[at];
}

void sim_cluster::note_spawned(caf::actor_id from, int64_t process) {
  for (auto id = from + 1; id <= system_.latest_actor_id(); ++id)
    if (auto& a = known(id); a.process < 0)
      a.process = process;
}

bool sim_cluster::is_parked(caf::actor_id id) {
  if (stalled_.count(id) != 0)
    return true;
  auto process = known(id).process;
  auto at = alive_.find(static_cast<uint64_t>(process));
  return process >= 0 && at != alive_.end() && nodes[at->second].now == sim_node::life::paused;
}

void sim_cluster::unpark() {
  for (auto* job : std::exchange(parked_, {}))
    scheduler_.jobs.push_back(job);
}

// -- running

bool sim_cluster::run_one() {
  auto& jobs = scheduler_.jobs;
  while (!jobs.empty()) {
    auto at = in_order_ ? 0 : dice.below(jobs.size());
    std::swap(jobs[at], jobs.front());
    auto* actor = dynamic_cast<caf::scheduled_actor*>(jobs.front());
    auto id = actor ? actor->id() : 0;
    if (actor && is_parked(id)) {
      parked_.push_back(jobs.front());
      jobs.pop_front();
      continue;
    }
    int64_t process = -1;
    if (actor) {
      auto& k = known(id);
      process = k.process;
      if (!std::exchange(k.seen, true))
        k.handle = caf::actor_cast<caf::weak_actor_ptr>(caf::strong_actor_ptr{actor->ctrl()});
    }
    if (book.is_loud())
      spdlog::set_pattern("           process " + std::to_string(process) + ": %v");
    auto last = system_.latest_actor_id();
    scheduler_.run_once();
    note_spawned(last, process);
    return true;
  }
  return false;
}

void sim_cluster::burst(size_t most) {
  for (size_t i = 0; i < most; ++i)
    if (!run_one())
      return;
  if (most == burst_max)
    book.violate("messages go round without an end");
}

void sim_cluster::step() {
  burst(dice.percent(85) ? burst_max : static_cast<size_t>(dice.below(60)));
  for (auto process : std::exchange(ended_, {}))
    kill(process);
  sim_time::now_ms += dice.between(1, 25);
  scheduler_.advance_time(std::chrono::milliseconds{sim_time::now_ms - scheduler_ms_});
  scheduler_ms_ = sim_time::now_ms;
  while (!plans_.empty() && plans_.begin()->first <= sim_time::now_ms) {
    auto what = std::move(plans_.begin()->second);
    plans_.erase(plans_.begin());
    what();
  }
  if (each_step)
    each_step();
  check_step();
}

void sim_cluster::run_for(int64_t ms) {
  auto until = sim_time::now_ms + ms;
  while (sim_time::now_ms < until && book.fault().empty())
    step();
}

void sim_cluster::later(int64_t in_ms, std::function<void()> what) {
  plans_.emplace(sim_time::now_ms + in_ms, std::move(what));
}

void sim_cluster::check_step() {
  for (auto& n : nodes) {
    if (n.now == sim_node::life::off)
      continue;
    auto catalog = n.node->catalog();
    if (!catalog)
      continue;
    if (catalog->version() < n.catalog_seen)
      book.violate("the catalogue of node " + std::to_string(n.place) + " went back");
    n.catalog_seen = catalog->version();
  }
}

// -- faults of nodes

void sim_cluster::crash(size_t place) {
  book.note("crash of node " + std::to_string(place));
  kill(nodes[place].process);
}

void sim_cluster::kill(uint64_t process) {
  unpark();
  node_context_ptr gone;
  if (auto at = alive_.find(process); at != alive_.end()) {
    auto& n = nodes[at->second];
    n.now = sim_node::life::off;
    n.door = nullptr;
    n.writers.clear();
    n.reader = nullptr;
    n.shipper = nullptr;
    gone = n.node;
    alive_.erase(at);
  }
  auto end = [](const caf::strong_actor_ptr& who) {
    if (who)
      who->enqueue(nullptr, caf::make_message_id(caf::message_priority::high),
                   caf::make_message(caf::exit_msg{who->address(), caf::exit_reason::kill}), nullptr);
  };
  for (auto& a : actors_)
    if (a.process == static_cast<int64_t>(process))
      end(std::exchange(a.handle, nullptr).lock());
  // Nothing else happens until the last of them is gone.
  auto& jobs = scheduler_.jobs;
  auto of_it = [&](caf::resumable* job) {
    auto* actor = dynamic_cast<caf::scheduled_actor*>(job);
    return actor && known(actor->id()).process == static_cast<int64_t>(process);
  };
  for (auto i = std::find_if(jobs.begin(), jobs.end(), of_it); i != jobs.end();
       i = std::find_if(jobs.begin(), jobs.end(), of_it)) {
    std::swap(*i, jobs.front());
    auto* actor = dynamic_cast<caf::scheduled_actor*>(jobs.front());
    if (!std::exchange(known(actor->id()).seen, true))
      end(caf::strong_actor_ptr{actor->ctrl()});
    auto last = system_.latest_actor_id();
    scheduler_.run_once();
    note_spawned(last, static_cast<int64_t>(process));
  }
  if (!gone)
    return;
  gone->publish(nullptr);
  gone->cluster->publish([](auto& t) { t = {}; });
  gone->cluster->publish_owners(std::make_shared<const ownership>());
}

void sim_cluster::pause(size_t place) {
  book.note("pause of node " + std::to_string(place));
  nodes[place].now = sim_node::life::paused;
}

void sim_cluster::resume(size_t place) {
  if (nodes[place].now != sim_node::life::paused)
    return;
  book.note("resume of node " + std::to_string(place));
  nodes[place].now = sim_node::life::up;
  unpark();
}

void sim_cluster::stall(const caf::strong_actor_ptr& who, int64_t ms) {
  if (!who)
    return;
  auto id = who->id();
  stalled_.insert(id);
  later(ms, [this, id] {
    stalled_.erase(id);
    unpark();
  });
}

void sim_cluster::forget_stalls() {
  stalled_.clear();
  unpark();
}

std::vector<size_t> sim_cluster::living(bool with_paused) const {
  std::vector<size_t> out;
  for (const auto& n : nodes)
    if (n.now == sim_node::life::up || (with_paused && n.now == sim_node::life::paused))
      out.push_back(n.place);
  return out;
}

// -- clients

void sim_cluster::ask(sim_ask what, size_t place) {
  auto& n = nodes[place];
  auto table = n.node->handles();
  what.process = n.process;
  what.sent_ms = sim_time::now_ms;
  asks.push_back(std::make_unique<sim_ask>(std::move(what)));
  auto& a = *asks.back();
  auto last = system_.latest_actor_id();
  auto from = system_.spawn(client, &book, &a);
  note_spawned(last, static_cast<int64_t>(n.process));
  auto shard = table->shards[decision::shard_of(a.user)];
  // The sender need not wait for the answer, so that a shard that is gone does not answer with an error.
  auto send = [&](const auto& to, auto&&... message_parts) {
    caf::actor_cast<caf::strong_actor_ptr>(to)->enqueue(
        caf::actor_cast<caf::strong_actor_ptr>(from), caf::make_message_id(),
        caf::make_message(std::forward<decltype(message_parts)>(message_parts)...), nullptr);
  };
  if (a.what == sim_ask::kind::decide) {
    auto d = std::make_shared<decide_ask>();
    d->request.user = a.user;
    d->request.placements = {"home"};
    d->request_id = a.request_id;
    send(shard, decide_atom::value, decide_ask_ptr{std::move(d)});
  } else if (a.what == sim_ask::kind::events) {
    send(table->event_writers, std::make_shared<write_ask_ptr::element_type>(
                                   work_key{decision::shard_of(a.user)},
                                   storage::event_batch_write{a.rows, {}}, from, uint64_t{0}));
  } else {
    auto u = std::make_shared<user_ask>();
    u->user = a.user;
    if (a.what == sim_ask::kind::patch) {
      u->operation = user_operation::patch_profile;
      u->document = "{\"" + a.key + "\":1}";
    }
    send(shard, user_atom::value, user_ask_ptr{std::move(u)});
  }
}

storage::cluster_picture sim_cluster::tables() {
  return *(*database->open_cluster(0))->look();
}

} // namespace beckon::actors::test
