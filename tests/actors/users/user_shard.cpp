#define CAF_SUITE actors.user_shard

#include "tests/actors/node_fixture.hpp"

using namespace beckon;
using namespace beckon::actors;
using decision::reason;

namespace {

constexpr int64_t hour_ms = 3600 * 1000;

struct fixture : actors::test::node_fixture {
  using operation = storage::fault_plan::operation;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(user_shard_tests, fixture)

CAF_TEST(a popup is shown once and then cools down) {
  start();
  put_popup("p", R"({"every":"24h"})");
  auto first = decide("u");
  CAF_CHECK(shows(first));
  CAF_REQUIRE(first->what.next_eligible_ms);
  CAF_CHECK_EQUAL(*first->what.next_eligible_ms, test::clock_ms() + 24 * hour_ms);
  auto second = decide("u");
  CAF_CHECK(why(second) == reason::cooldown);
  test::clock_ms() += 24 * hour_ms;
  CAF_CHECK(shows(decide("u")));
}

CAF_TEST(asks that come while a claim is written wait behind it) {
  start();
  put_popup("p", R"({"max_shows":1})");
  for (int i = 0; i < 64; ++i)
    send_decide("u");
  consume_messages();
  int shown = 0;
  for (int i = 0; i < 64; ++i) {
    auto a = take_decide();
    CAF_REQUIRE(a != nullptr);
    shown += shows(a) ? 1 : 0;
  }
  CAF_CHECK_EQUAL(shown, 1);
  CAF_CHECK(take_decide() == nullptr);
}

CAF_TEST(the same request id gets the same answer and is charged once) {
  start();
  put_popup("p", R"({"max_shows":3})");
  auto first = decide("u", "r1");
  auto again = decide("u", "r1");
  CAF_CHECK(!first->body.empty());
  CAF_CHECK_EQUAL(again->body, first->body);
  CAF_CHECK_EQUAL(+user(user_operation::get, "u")->state.find("p")->shows, 1u);
  CAF_MESSAGE("also after the cache is lost");
  stop();
  start();
  auto replayed = decide("u", "r1");
  CAF_CHECK_EQUAL(replayed->body, first->body);
  auto other = decide("u", "r2");
  CAF_CHECK(other->body != first->body);
}

CAF_TEST(a refusal under a request id is repeated) {
  start();
  put_popup("p", R"({"every":"1h"})");
  decide("u");
  auto refused = decide("u", "r1");
  CAF_CHECK(why(refused) == reason::cooldown);
  test::clock_ms() += hour_ms;
  CAF_CHECK(decide("u", "r1") == refused);
  CAF_CHECK(shows(decide("u", "r2")));
}

CAF_TEST(a failed claim shows nothing and counts nothing) {
  start();
  put_popup("p", R"({"max_shows":1})");
  faults.fail(operation::write, 1, storage::errc::unavailable);
  auto refused = decide("u");
  CAF_CHECK(!shows(refused));
  CAF_CHECK(why(refused) == reason::unavailable);
  CAF_CHECK(shows(decide("u")));
  CAF_CHECK(why(decide("u")) == reason::capped);
}

CAF_TEST(a claim whose outcome is unknown is looked up before the next decision) {
  start();
  put_popup("p", R"({"max_shows":1})");
  faults.lose_outcome(1);
  CAF_CHECK(why(decide("u")) == reason::unavailable);
  CAF_CHECK(why(decide("u")) == reason::capped);
}

CAF_TEST(while the store is down users in cooldown are answered from memory) {
  start();
  put_popup("p", R"({"every":"24h"})");
  decide("known");
  faults.fail_all(storage::errc::unavailable);
  CAF_CHECK(why(decide("known")) == reason::cooldown);
  CAF_CHECK(why(decide("stranger")) == reason::unavailable);
  faults.heal();
  CAF_CHECK(shows(decide("stranger")));
}

CAF_TEST(an event changes what its user sees at once) {
  start();
  put_popup("p", R"({"stop_after":["click"]})");
  CAF_CHECK(shows(decide("u")));
  auto stored = store_events({make_event("e1", decision::event_type::click, "u", "p")});
  CAF_CHECK(stored->error.ok());
  CAF_CHECK(why(decide("u")) == reason::capped);
  auto again = store_events({make_event("e1", decision::event_type::click, "u", "p")});
  CAF_CHECK_EQUAL(again->outcome.duplicates, 1u);
}

CAF_TEST(a claim built on a state that moved on is decided again) {
  start();
  put_popup("p", R"({"stop_after":["click"]})");
  decide("u");
  CAF_MESSAGE("the click reaches the store, but the shard has not heard of it");
  auto session = store->open_writer();
  CAF_REQUIRE(session);
  storage::event_batch_write batch{{make_event("e1", decision::event_type::click, "u", "p")}};
  CAF_REQUIRE((*session)->write({batch}));
  CAF_CHECK(why(decide("u")) == reason::capped);
  CAF_CHECK_EQUAL(node->metrics->shard(decision::shard_of("u")).conflicts.get(), 1u);
}

CAF_TEST(bounds answer with overload and change nothing) {
  node_options small = options_from(config::configuration{});
  small.user_waiting_max = 2;
  start(small);
  put_popup("p");
  for (int i = 0; i < 4; ++i)
    send_decide("u");
  consume_messages();
  int overloaded = 0;
  for (int i = 0; i < 4; ++i)
    overloaded += take_decide()->status == ask_status::overloaded ? 1 : 0;
  CAF_CHECK_EQUAL(overloaded, 2);
  CAF_CHECK_EQUAL(+user(user_operation::get, "u")->state.find("p")->shows, 2u);
}

CAF_TEST(a full write queue answers with overload and the user goes on) {
  node_options small = options_from(config::configuration{});
  small.write_jobs_max = 1;
  start(small);
  put_popup("p", R"({"max_shows":1})");
  std::vector<std::string> users{"a", "b", "c", "d"};
  for (const auto& u : users)
    CAF_CHECK(!user(user_operation::get, u)->found);
  for (const auto& u : users)
    send_decide(u);
  consume_messages();
  int overloaded = 0;
  for (size_t i = 0; i < users.size(); ++i)
    overloaded += take_decide()->status == ask_status::overloaded ? 1 : 0;
  CAF_CHECK(overloaded >= 1);
  for (const auto& u : users)
    decide(u);
  for (const auto& u : users)
    CAF_CHECK_EQUAL(+user(user_operation::get, u)->state.find("p")->shows, 1u);
}

CAF_TEST(the cache is bounded and loses nothing) {
  node_options small = options_from(config::configuration{});
  small.shard_users_max = 1;
  start(small);
  put_popup("p", R"({"max_shows":1})");
  std::vector<std::string> users;
  for (int i = 0; i < 2000; ++i)
    users.push_back("user-" + std::to_string(i));
  for (const auto& u : users)
    CAF_REQUIRE(shows(decide(u)));
  for (const auto& u : users)
    CAF_REQUIRE(why(decide(u)) == reason::capped);
  uint64_t cached = 0;
  for (size_t i = 0; i < decision::shard_count; ++i)
    cached += node->metrics->shard(i).users.get();
  CAF_CHECK(cached <= decision::shard_count);
}

CAF_TEST(profiles are replaced patched and erased) {
  start();
  CAF_CHECK(!user(user_operation::get, "u")->found);
  CAF_CHECK(user(user_operation::replace_profile, "u", R"({"plan":"free"})")->created);
  CAF_CHECK(user(user_operation::patch_profile, "u", R"({"age":7,"plan":null})")->errors.empty());
  auto got = user(user_operation::get, "u");
  CAF_CHECK_EQUAL(decision::to_json(*got->profile), R"({"age":7})");
  CAF_CHECK(user(user_operation::erase, "u")->found);
  CAF_CHECK(!user(user_operation::get, "u")->found);
  CAF_CHECK(!user(user_operation::erase, "u")->found);
}

CAF_TEST(an erased user starts from nothing) {
  start();
  put_popup("p", R"({"max_shows":1})");
  CAF_CHECK(shows(decide("u", "r1")));
  user(user_operation::erase, "u");
  CAF_CHECK(shows(decide("u", "r1")));
}

CAF_TEST(parallel retries are charged once although old request ids were dropped) {
  start();
  put_popup("p");
  for (size_t i = 0; i <= decision::recent_requests_max; ++i)
    CAF_REQUIRE(shows(decide("u", "old-" + std::to_string(i))));
  auto before = user(user_operation::get, "u")->state.find("p")->shows;
  for (int i = 0; i < 16; ++i)
    send_decide("u", "new");
  consume_messages();
  auto first = take_decide();
  CAF_REQUIRE(first != nullptr);
  for (int i = 1; i < 16; ++i) {
    auto again = take_decide();
    CAF_REQUIRE(again != nullptr);
    CAF_CHECK_EQUAL(again->body, first->body);
  }
  auto after = user(user_operation::get, "u")->state.find("p")->shows;
  CAF_CHECK_EQUAL(after, before + 1);
}

CAF_TEST(a user with events alone can be erased) {
  start();
  store_events({make_event("e1", decision::event_type::impression, "u", "p")});
  CAF_CHECK(user(user_operation::erase, "u")->found);
  auto session = store->open_reader();
  CAF_REQUIRE(session);
  auto page = (*session)->load_events({}, {}, 10);
  CAF_REQUIRE(page);
  CAF_CHECK(page->events.empty());
  CAF_CHECK(!user(user_operation::erase, "u")->found);
}

CAF_TEST(a queued claim that meets a conflict is charged all the same) {
  node_options queued = options_from(config::configuration{});
  queued.claims_queued = true;
  start(queued);
  put_popup("p", R"({"max_shows":2})");
  CAF_CHECK(shows(decide("u")));
  CAF_MESSAGE("an event moves the stored state, but the shard has not heard of it");
  auto session = store->open_writer();
  CAF_REQUIRE(session);
  storage::event_batch_write batch{{make_event("e1", decision::event_type::dismiss, "u", "p")}};
  CAF_REQUIRE((*session)->write({batch}));
  CAF_CHECK(shows(decide("u")));
  CAF_CHECK_EQUAL(+user(user_operation::get, "u")->state.find("p")->shows, 2u);
  CAF_CHECK(why(decide("u")) == reason::capped);
}

CAF_TEST(a queued claim that fails is owed until the store takes it) {
  node_options queued = options_from(config::configuration{});
  queued.claims_queued = true;
  start(queued);
  put_popup("p", R"({"max_shows":1})");
  faults.fail(operation::write, 1, storage::errc::unavailable);
  CAF_CHECK(shows(decide("u")));
  CAF_CHECK(why(decide("u")) == reason::unavailable);
  sched.advance_time(std::chrono::milliseconds{300});
  consume_messages();
  CAF_CHECK(why(decide("u")) == reason::capped);
  CAF_MESSAGE("a lost outcome is not charged twice");
  test::clock_ms() += 1;
  faults.lose_outcome(1);
  CAF_CHECK(shows(decide("v")));
  sched.advance_time(std::chrono::milliseconds{300});
  consume_messages();
  CAF_CHECK_EQUAL(+user(user_operation::get, "v")->state.find("p")->shows, 1u);
}

CAF_TEST(asks do not wait for a pool that is gone) {
  start();
  put_popup("p");
  auto table = node->handles();
  caf::anon_send_exit(table->readers, caf::exit_reason::kill);
  consume_messages();
  send_decide("u");
  consume_messages();
  CAF_CHECK(take_decide() == nullptr);
  self->send(owner("u"), lost_atom::value);
  consume_messages();
  auto answer = take_decide();
  CAF_REQUIRE(answer != nullptr);
  CAF_CHECK(why(answer) == reason::unavailable);
}

CAF_TEST_FIXTURE_SCOPE_END()
