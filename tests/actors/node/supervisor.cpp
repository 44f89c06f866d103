#define CAF_SUITE actors.supervisor

#include "actors/node/supervisor.hpp"

#include "tests/actors/node_fixture.hpp"

#include <thread>

using namespace beckon;
using namespace beckon::actors;

namespace {

/// A real system with real threads: dead actors must come back and work must go on.
struct fixture {
  test::system_config cfg;
  caf::actor_system sys{cfg};
  caf::scoped_actor self{sys};
  node_context_ptr node = std::make_shared<node_context>();
  supervisor_actor boss;

  fixture() {
    node->options = options_from(config::configuration{});
    node->options.readers = 1;
    node->options.backoff_ms = 1;
    node->metrics = std::make_shared<node_metrics>(std::make_shared<prometheus::Registry>());
    node->now_ms = [] { return test::clock_ms(); };
    boss = sys.spawn(supervisor, node, storage::make_memory_store());
    self->request(boss, std::chrono::seconds{20}, start_atom::value)
        .receive([](start_atom) {}, [&](const caf::error& e) { CAF_FAIL("not started: " << sys.render(e)); });
  }

  ~fixture() {
    self->request(boss, std::chrono::seconds{20}, stop_atom::value)
        .receive([](stop_atom) {}, [&](const caf::error& e) { CAF_ERROR("not stopped: " << sys.render(e)); });
    node->publish(nullptr);
  }

  bool put_popup() {
    auto ask = std::make_shared<catalog_ask>();
    ask->id = "p";
    ask->document = R"({"id":"p","status":"live","placements":["home"],"content":{}})";
    bool done = false;
    self->request(node->handles()->catalog, std::chrono::seconds{5}, change_atom::value, catalog_ask_ptr{ask})
        .receive([&](const catalog_answer_ptr& a) { done = a->what <= catalog_answer::status::created; },
                 [](const caf::error&) {});
    return done;
  }

  bool shows_popup(const std::string& user) {
    bool shown = false;
    auto shard = node->handles()->shards[decision::shard_of(user)];
    self->request(shard, std::chrono::seconds{2}, decide_atom::value, test::node_fixture::make_decide(user))
        .receive([&](const decide_answer_ptr& a) { shown = a->what.placements[0].popup != nullptr; },
                 [](const caf::error&) {});
    return shown;
  }

  /// Asks until it works again; the deadline is far beyond what a restart takes.
  template <class Try>
  bool eventually(Try attempt) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{15};
    while (std::chrono::steady_clock::now() < deadline) {
      if (attempt())
        return true;
      std::this_thread::yield();
    }
    return false;
  }

  template <class Handle>
  void kill(const Handle& actor) {
    self->send_exit(actor, caf::exit_reason::kill);
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(supervisor_tests, fixture)

CAF_TEST(work goes on after any of the actors died) {
  CAF_REQUIRE(put_popup());
  CAF_REQUIRE(shows_popup("u"));
  auto table = node->handles();
  CAF_MESSAGE("a shard");
  kill(table->shards[decision::shard_of("u")]);
  CAF_CHECK(eventually([&] { return shows_popup("u"); }));
  CAF_MESSAGE("the reader pool");
  kill(table->readers);
  CAF_CHECK(eventually([&] { return shows_popup("v"); }));
  CAF_MESSAGE("the writer pool");
  kill(table->writers);
  CAF_CHECK(eventually([&] { return shows_popup("w"); }));
  CAF_MESSAGE("the catalogue");
  kill(table->catalog);
  CAF_CHECK(eventually([&] { return put_popup(); }));
  CAF_CHECK(shows_popup("x"));
  CAF_CHECK(node->metrics->restarts->Value() >= 4);
  CAF_CHECK(node->health.fatal_reason().empty());
}

CAF_TEST(an actor that dies again and again ends the node) {
  node->options.restarts_max = 3;
  auto dead = [&] {
    kill(node->handles()->catalog);
    return !node->health.fatal_reason().empty();
  };
  CAF_CHECK(eventually(dead));
}

CAF_TEST_FIXTURE_SCOPE_END()
