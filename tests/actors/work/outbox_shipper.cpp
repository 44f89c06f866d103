#define CAF_SUITE actors.outbox_shipper

#include "actors/work/outbox_shipper.hpp"

#include "storage/sqlite/outbox.hpp"
#include "tests/actors/node_fixture.hpp"
#include "tests/storage/sqlite/usual_options.hpp"

#include <cstdlib>
#include <filesystem>

using namespace beckon;
using namespace beckon::actors;

namespace {

struct fixture : actors::test::node_fixture {
  std::string directory;
  outbox_shipper_actor shipper;

  void begin(const node_options& options = options_from(config::configuration{})) {
    directory = (std::filesystem::temp_directory_path() / "beckon-actors-XXXXXX").string();
    CAF_REQUIRE(::mkdtemp(directory.data()) != nullptr);
    auto opened = storage::open_outbox(storage::test::usual_outbox(directory + "/outbox.db"));
    CAF_REQUIRE(opened);
    node->outbox = opened->box;
    start(options);
    shipper = sys.spawn(outbox_shipper, node);
    consume_messages();
  }

  ~fixture() {
    caf::anon_send_exit(shipper, caf::exit_reason::kill);
    consume_messages();
    stop();
    node->outbox = nullptr;
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }

  void accept(const std::string& id, decision::event_type type = decision::event_type::impression,
              const std::string& user = "u") {
    std::vector<storage::event_row> events{make_event(id, type, user, "p")};
    CAF_REQUIRE(!node->outbox->append({&events}));
    self->send(shipper, look_atom::value); // as the pool of the outbox does
    consume_messages();
  }

  void let_pass(std::chrono::milliseconds time) {
    sched.advance_time(time);
    consume_messages();
  }

  std::vector<std::string> stored() {
    auto session = store->open_reader();
    CAF_REQUIRE(session);
    std::vector<std::string> ids;
    auto page = (*session)->load_events({}, {}, 100);
    CAF_REQUIRE(page);
    for (const auto& e : page->events)
      ids.push_back(e.id);
    return ids;
  }
};

using names = std::vector<std::string>;

/// Whether the shipper waits for a timer.
bool waits(const outbox_shipper_actor& who) {
  using impl = caf::stateful_actor<outbox_shipper_state, outbox_shipper_actor::base>;
  auto* actor = caf::actor_cast<caf::abstract_actor*>(who);
  const auto& st = dynamic_cast<impl&>(*actor).state;
  return st.gathering || st.watching;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(outbox_shipper_tests, fixture)

CAF_TEST(events are shipped in order and counted once) {
  begin();
  for (const char* id : {"a", "b", "a", "c"})
    accept(id);
  let_pass(std::chrono::milliseconds{50});
  CAF_CHECK((stored() == names{"a", "b", "c"}));
  CAF_CHECK_EQUAL(node->outbox->depth().events, 0u);
}

CAF_TEST(while the store is away events wait and are shipped when it is back) {
  begin();
  faults.fail_all(storage::errc::unavailable);
  accept("a");
  let_pass(std::chrono::milliseconds{50});
  accept("b");
  let_pass(std::chrono::seconds{2});
  CAF_CHECK_EQUAL(node->outbox->depth().events, 2u);
  faults.heal();
  let_pass(std::chrono::seconds{1});
  CAF_CHECK((stored() == names{"a", "b"}));
}

CAF_TEST(a group whose outcome is unknown is shipped again and counts once) {
  begin();
  faults.lose_outcome(1);
  accept("a");
  let_pass(std::chrono::milliseconds{50});
  CAF_CHECK_EQUAL(node->outbox->depth().events, 1u);
  let_pass(std::chrono::seconds{1});
  CAF_CHECK_EQUAL(node->outbox->depth().events, 0u);
  CAF_CHECK((stored() == names{"a"}));
}

CAF_TEST(a batch that the store refuses is set aside and the others go on) {
  begin();
  accept("a");
  accept("bad");
  accept("c");
  CAF_MESSAGE("all three; the first alone is taken; the second alone");
  for (uint64_t nth : {1, 3})
    faults.fail(storage::fault_plan::operation::write, nth, storage::errc::rejected);
  let_pass(std::chrono::milliseconds{50});
  let_pass(std::chrono::milliseconds{50});
  CAF_CHECK((stored() == names{"a", "c"}));
  CAF_CHECK_EQUAL(node->outbox->depth().events, 0u);
}

CAF_TEST(one refused batch among many is found by halving) {
  begin();
  names good;
  for (char c = 'a'; c <= 'p'; ++c) {
    accept({c});
    if (c != 'p')
      good.emplace_back(1, c);
  }
  CAF_MESSAGE("all 16, then 8 and 4 and 2 and 1 that are taken, then the last alone");
  for (uint64_t nth : {1, 6})
    faults.fail(storage::fault_plan::operation::write, nth, storage::errc::rejected);
  auto before = faults.calls(storage::fault_plan::operation::write);
  let_pass(std::chrono::milliseconds{50});
  CAF_CHECK((stored() == good));
  CAF_CHECK_EQUAL(node->outbox->depth().events, 0u);
  CAF_CHECK_EQUAL(faults.calls(storage::fault_plan::operation::write) - before, 6u);
}

CAF_TEST(a group is spread over the lanes of events in bounded parts) {
  node_options o = options_from(config::configuration{});
  o.event_lanes = 2;
  o.batch_events_max = 2;
  begin(o);
  std::string other = "v";
  while (decision::shard_of(other) % 2 == decision::shard_of("u") % 2)
    other += "v";
  for (const char* id : {"a", "b", "c"})
    accept(id);
  accept("x", decision::event_type::impression, other);
  auto before = faults.calls(storage::fault_plan::operation::write);
  let_pass(std::chrono::milliseconds{50});
  CAF_CHECK_EQUAL(stored().size(), 4u);
  CAF_MESSAGE("two parts for the lane of one user, one for the other's");
  CAF_CHECK_EQUAL(faults.calls(storage::fault_plan::operation::write) - before, 3u);
}

CAF_TEST(what is appended wakes the shipper and no timer runs while nothing waits) {
  begin();
  accept("a");
  CAF_CHECK(waits(shipper));
  let_pass(std::chrono::milliseconds{50});
  CAF_CHECK((stored() == names{"a"}));
  let_pass(std::chrono::seconds{2});
  CAF_CHECK(!waits(shipper));
  CAF_MESSAGE("the next one wakes it");
  accept("b");
  let_pass(std::chrono::milliseconds{50});
  CAF_CHECK((stored() == names{"a", "b"}));
}

CAF_TEST(a shipped click reaches the owner of its user) {
  begin();
  put_popup("p", R"({"stop_after":["click"]})");
  CAF_CHECK(shows(decide("u")));
  accept("click", decision::event_type::click);
  let_pass(std::chrono::milliseconds{50});
  CAF_CHECK(why(decide("u")) == decision::reason::capped);
}

CAF_TEST(stopping ships what waits) {
  begin();
  accept("a");
  self->send(shipper, stop_atom::value);
  consume_messages();
  bool done = false;
  self->receive([&](stop_atom) { done = true; }, caf::after(std::chrono::seconds{0}) >> [] {});
  CAF_CHECK(done);
  CAF_CHECK((stored() == names{"a"}));
}

CAF_TEST_FIXTURE_SCOPE_END()
