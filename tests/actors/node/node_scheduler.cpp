#define CAF_SUITE actors.node_scheduler

#include "actors/node/node_scheduler.hpp"

#include <caf/all.hpp>
#include <caf/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

using namespace beckon::actors;

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using clock_type = std::chrono::steady_clock;

/// Waits for a condition, at most ten seconds; false when it did not come.
template <class F>
bool eventually(F&& condition) {
  const auto deadline = clock_type::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (clock_type::now() > deadline)
      return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

using number_actor = caf::typed_actor<caf::replies_to<int>::with<int>>;
using client_actor = caf::typed_actor<caf::reacts_to<int>>;

struct figures {
  std::atomic<int> asked{0};
  std::atomic<int> timed_out{0};
  std::atomic<int> got{0};
};

/// Never answers.
number_actor::behavior_type deaf(number_actor::pointer self, figures* f) {
  return {[=](int) -> caf::result<int> {
    ++f->asked;
    auto never = std::make_shared<caf::typed_response_promise<int>>(self->make_response_promise<int>());
    self->attach_functor([never] {}); // kept as long as its actor
    return *never;
  }};
}

/// Asks at once, waits for `wait`, and ends when it gets 0.
client_actor::behavior_type asking(client_actor::pointer self, figures* f, const number_actor& whom,
                                   milliseconds wait) {
  self->request(whom, wait, 1)
      .then([](int) {},
            [=](const caf::error& e) {
              if (e == caf::sec::request_timeout)
                ++f->timed_out;
            });
  return {[=](int) { self->quit(); }};
}

client_actor::behavior_type reminded(client_actor::pointer self, figures* f, milliseconds pause) {
  self->delayed_send(self, pause, 7);
  return {[=](int n) {
    f->got += n;
    self->quit();
  }};
}

client_actor::behavior_type short_lived(client_actor::pointer self, figures* f) {
  ++f->got;
  self->quit();
  return {[](int) {}};
}

struct fixture {
  caf::actor_system_config config;
  figures seen;
  std::unique_ptr<caf::actor_system> system;

  fixture() {
    config.load<node_scheduler>();
    config.set("scheduler.max-threads", 2);
    system = std::make_unique<caf::actor_system>(config);
  }
  uint64_t wakes() { return static_cast<node_scheduler&>(system->scheduler()).clock().wakes(); }
  void end(const caf::actor& a) { caf::anon_send_exit(a, caf::exit_reason::kill); }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(node_scheduler_tests, fixture)

CAF_TEST(the time - out of a request fires) {
  auto whom = system->spawn(deaf, &seen);
  auto client = system->spawn(asking, &seen, whom, milliseconds(30));
  CAF_CHECK(eventually([&] { return seen.timed_out == 1; }));
  end(caf::actor_cast<caf::actor>(client));
  end(caf::actor_cast<caf::actor>(whom));
  system->await_all_actors_done();
  CAF_CHECK(eventually([&] { return wakes() == 1; }));
}

// The clock holds a reference to the receiver of a time-out: only a cancelled one releases its actor.
CAF_TEST(the time - outs of an actor that ends are cancelled) {
  auto whom = system->spawn(deaf, &seen);
  auto client = system->spawn(asking, &seen, whom, hours(1));
  caf::weak_actor_ptr left{caf::actor_cast<caf::strong_actor_ptr>(client).get()};
  CAF_CHECK(eventually([&] { return seen.asked == 1; }));
  caf::anon_send(client, 0);
  client = nullptr;
  CAF_CHECK(eventually([&] { return wakes() == 1; }));
  end(caf::actor_cast<caf::actor>(whom)); // it keeps those whom it owes an answer
  whom = nullptr;
  CAF_CHECK(eventually([&] { return left.lock() == nullptr; }));
  CAF_CHECK_EQUAL(seen.timed_out, 0);
}

CAF_TEST(a message with a delay comes and costs nothing when its actor ends) {
  const auto began = clock_type::now();
  system->spawn(reminded, &seen, milliseconds(30));
  CAF_CHECK(eventually([&] { return seen.got == 7; }));
  CAF_CHECK(clock_type::now() - began >= milliseconds(30));
  system->await_all_actors_done();
  CAF_CHECK_EQUAL(wakes(), 0u);
}

CAF_TEST(an actor that never set a time - out ends without waking the clock) {
  auto whom = system->spawn(deaf, &seen);
  auto client = system->spawn(asking, &seen, whom, hours(1)); // somebody else has one meanwhile
  CAF_REQUIRE(eventually([&] { return seen.asked == 1; }));
  for (int i = 0; i < 1000; ++i)
    system->spawn(short_lived, &seen);
  CAF_CHECK(eventually([&] { return seen.got == 1000 && system->registry().running() == 2; }));
  CAF_CHECK_EQUAL(wakes(), 0u);
  end(caf::actor_cast<caf::actor>(client));
  end(caf::actor_cast<caf::actor>(whom));
  system->await_all_actors_done();
  CAF_CHECK(eventually([&] { return wakes() == 1; }));
}

CAF_TEST(a system with pending time - outs stops at once) {
  auto whom = system->spawn(deaf, &seen);
  for (int i = 0; i < 20; ++i)
    system->spawn(asking, &seen, whom, hours(1));
  auto late = system->spawn(reminded, &seen, hours(1));
  CAF_REQUIRE(eventually([&] { return seen.asked == 20; }));
  end(caf::actor_cast<caf::actor>(late));
  late = nullptr;
  end(caf::actor_cast<caf::actor>(whom));
  whom = nullptr;
  system->await_actors_before_shutdown(false); // the clients wait for their hour
  const auto began = clock_type::now();
  system.reset();
  CAF_CHECK(clock_type::now() - began < std::chrono::seconds(5));
}

CAF_TEST_FIXTURE_SCOPE_END()
