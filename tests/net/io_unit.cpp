#define CAF_SUITE net.io_unit

#include "net/io_unit.hpp"

#include "broker_fixture.hpp"
#include "net/quick_actor.hpp"

#include <caf/all.hpp>
#include <caf/test/unit_test.hpp>

using namespace beckon::net;
using namespace beckon::net::test;

namespace {

constexpr auto long_enough = std::chrono::seconds(60);

using taker_actor = caf::typed_actor<caf::reacts_to<int>>;

/// What was done, and on which thread, in that order.
class diary {
 public:
  void note(int what) {
    const std::lock_guard guard{mutex_};
    (std::this_thread::get_id() == home_ ? here_ : elsewhere_).push_back(what);
  }
  std::vector<int> here() {
    const std::lock_guard guard{mutex_};
    return here_;
  }
  std::vector<int> elsewhere() {
    const std::lock_guard guard{mutex_};
    return elsewhere_;
  }
  size_t size() { return here().size() + elsewhere().size(); }

 private:
  const std::thread::id home_ = std::this_thread::get_id();
  std::mutex mutex_;
  std::vector<int> here_;
  std::vector<int> elsewhere_;
};

/// Notes that it was started, then each number it gets.
taker_actor::behavior_type taker(taker_actor::pointer self, diary* d, int first, bool quick) {
  if (quick)
    mark_quick(*self);
  d->note(first);
  return {[=](int what) { d->note(what); }};
}

/// Sends `count` numbers from 1 on, and ends.
taker_actor::behavior_type sender(taker_actor::pointer self, const taker_actor& to, int count) {
  for (int i = 1; i <= count; ++i)
    self->send(to, i);
  self->quit();
  return {[](int) {}};
}

taker_actor::behavior_type parent(taker_actor::pointer self, diary* d) {
  auto child = self->spawn(taker, d, 2, false);
  d->note(1);
  self->send(child, 3);
  self->quit();
  return {[](int) {}};
}

std::vector<int> numbers(int from, int to) {
  std::vector<int> result;
  for (int i = from; i <= to; ++i)
    result.push_back(i);
  return result;
}

struct fixture {
  caf::actor_system_config config;
  caf::actor_system system{threads(config)};
  diary notes;
  io_unit unit{system};

  static caf::actor_system_config& threads(caf::actor_system_config& c) {
    c.set("scheduler.policy", caf::atom("sharing"));
    return c.set("scheduler.max-threads", 1);
  }
  void start(int from, int to) {
    for (int i : numbers(from, to))
      spawn_at({system, &unit}, taker, &notes, i, false);
  }
  /// An actor that lives on the scheduler's thread, and sleeps.
  taker_actor resident(bool quick) {
    auto result = system.spawn(taker, &notes, 0, quick);
    CAF_REQUIRE(eventually([&] { return notes.elsewhere() == std::vector<int>{0} && asleep(result); }));
    return result;
  }
  /// Its mailbox is blocked, so that the next message wakes it on the thread that sends.
  static bool asleep(const taker_actor& a) {
    auto* self = caf::actor_cast<caf::scheduled_actor*>(a);
    return self->mailbox().blocked();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(io_unit_tests, fixture)

CAF_TEST(actors run on the thread of the unit in the order of their start) {
  unit.reset({100, long_enough});
  start(1, 6);
  CAF_CHECK_EQUAL(notes.size(), 0u);
  unit.run();
  CAF_CHECK_EQUAL(notes.here(), numbers(1, 6));
}

CAF_TEST(beyond the bound actors go to the scheduler until the next reset) {
  unit.reset({2, long_enough});
  start(1, 2);
  CAF_CHECK(!unit.has_room());
  start(3, 5);
  unit.run();
  CAF_CHECK(eventually([&] { return notes.size() == 5; }));
  CAF_CHECK_EQUAL(notes.here(), numbers(1, 2));
  CAF_CHECK_EQUAL(notes.elsewhere(), numbers(3, 5));
  unit.reset({2, long_enough});
  CAF_CHECK(unit.has_room());
  start(6, 6);
  unit.run();
  CAF_CHECK_EQUAL(notes.here(), (std::vector<int>{1, 2, 6}));
}

CAF_TEST(a unit that was never given a bound runs nothing) {
  start(1, 1);
  unit.run();
  CAF_CHECK(eventually([&] { return notes.elsewhere() == numbers(1, 1); }));
}

CAF_TEST(a quick actor with more messages than one run takes goes on here) {
  auto to = resident(true);
  unit.reset({100, long_enough});
  spawn_at({system, &unit}, sender, to, 20);
  unit.run();
  CAF_CHECK_EQUAL(notes.here(), numbers(1, 20));
}

CAF_TEST(what a quick actor has left when the bound is reached it does on the scheduler) {
  static_assert(io_unit::messages_max == 8);
  auto to = resident(true);
  unit.reset({2, long_enough}); // the sender, and one run of the other
  spawn_at({system, &unit}, sender, to, 20);
  unit.run();
  CAF_CHECK(eventually([&] { return notes.size() == 21; }));
  CAF_CHECK_EQUAL(notes.here(), numbers(1, 8));
  auto rest = numbers(9, 20);
  rest.insert(rest.begin(), 0);
  CAF_CHECK_EQUAL(notes.elsewhere(), rest);
}

CAF_TEST(when the time is up what waits goes to the scheduler) {
  static_assert(io_unit::runs_per_look == 4);
  unit.reset({100, std::chrono::microseconds(0)});
  start(1, 10);
  unit.run();
  CAF_CHECK(!unit.has_room());
  CAF_CHECK(eventually([&] { return notes.size() == 10; }));
  CAF_CHECK_EQUAL(notes.here(), numbers(1, 4));
  CAF_CHECK_EQUAL(notes.elsewhere(), numbers(5, 10));
}

CAF_TEST(the time counts from the first run after a reset) {
  unit.reset({100, std::chrono::milliseconds(20)});
  start(1, 1);
  unit.run();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  start(2, 6);
  unit.run();
  CAF_CHECK(eventually([&] { return notes.size() == 6; }));
  CAF_CHECK_EQUAL(notes.here(), numbers(1, 4));
  unit.reset({100, long_enough});
  start(7, 16);
  unit.run();
  CAF_CHECK_EQUAL(notes.here().size(), 14u);
}

CAF_TEST(an unmarked actor runs on the scheduler whatever its sender) {
  auto to = resident(false);
  unit.reset({100, long_enough});
  spawn_at({system, &unit}, sender, to, 3);
  unit.run();
  CAF_CHECK(eventually([&] { return notes.size() == 4; }));
  CAF_CHECK_EQUAL(notes.elsewhere(), numbers(0, 3));
}

CAF_TEST(what an actor starts by itself runs on the scheduler) {
  unit.reset({100, long_enough});
  spawn_at({system, &unit}, parent, &notes);
  unit.run();
  CAF_CHECK(eventually([&] { return notes.size() == 3; }));
  CAF_CHECK_EQUAL(notes.here(), numbers(1, 1));
  CAF_CHECK_EQUAL(notes.elsewhere(), numbers(2, 3));
}

CAF_TEST(an actor that ran here goes on elsewhere when the unit is gone) {
  auto other = std::make_unique<io_unit>(system);
  other->reset({100, long_enough});
  auto a = spawn_at({system, other.get()}, taker, &notes, 1, false);
  other->run();
  CAF_CHECK_EQUAL(notes.here(), numbers(1, 1));
  other.reset();
  caf::anon_send(a, 2);
  CAF_CHECK(eventually([&] { return notes.elsewhere() == numbers(2, 2); }));
}

CAF_TEST(what still waits when the unit goes is not lost) {
  auto other = std::make_unique<io_unit>(system);
  other->reset({100, long_enough});
  spawn_at({system, other.get()}, taker, &notes, 1, false);
  other.reset();
  CAF_CHECK(eventually([&] { return notes.elsewhere() == numbers(1, 1); }));
}

CAF_TEST_FIXTURE_SCOPE_END()
