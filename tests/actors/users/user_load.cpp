#define CAF_SUITE actors.user_load

#include "tests/actors/node_fixture.hpp"

using namespace beckon;
using namespace beckon::actors;
using decision::reason;

namespace {

// A user whose reload failed is loaded again after this time.
constexpr int64_t read_again_pause_ms = 1000;

struct fixture : actors::test::node_fixture {
  using operation = storage::fault_plan::operation;

  /// A write of this user fails: what the store holds now is not known.
  void lose_write(const std::string& id) {
    faults.fail(operation::write, 1, storage::errc::unavailable);
    CAF_REQUIRE(user(user_operation::replace_profile, id, "{}")->status == ask_status::unavailable);
    node->health.store.writable = true; // as the pool finds a moment later
  }

  static user_ask_ptr make_user_ask(user_operation op, const std::string& id, const std::string& document) {
    auto ask = std::make_shared<user_ask>();
    ask->operation = op;
    ask->user = id;
    ask->document = document;
    return ask;
  }

  template <class Answer>
  Answer take() {
    Answer got;
    self->receive([&](const Answer& a) { got = a; }, caf::after(std::chrono::seconds{0}) >> [] {});
    return got;
  }

  /// Another process writes a profile.
  void write_elsewhere(const std::string& id, const std::string& attributes) {
    auto session = store->open_writer();
    CAF_REQUIRE(session);
    auto shard = static_cast<uint16_t>(decision::shard_of(id));
    CAF_REQUIRE((*session)->write({storage::profile_write{shard, id, attributes, 0}}));
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(user_load_tests, fixture)

CAF_TEST(a user stays as loaded) {
  start();
  put_popup("p", R"({"every":"1h"})");
  CAF_CHECK(shows(decide("u")));
  auto reads = faults.calls(operation::read);
  test::clock_ms() += 600'000;
  CAF_CHECK(!shows(decide("u")));
  CAF_CHECK_EQUAL(faults.calls(operation::read), reads);
}

CAF_TEST(while the store is down a user in doubt is answered from memory) {
  start();
  put_popup("p", R"({"every":"1h"})");
  CAF_CHECK(shows(decide("u")));
  lose_write("u");
  node->health.store.writable = false;
  faults.fail_all(storage::errc::unavailable);
  auto reads = faults.calls(operation::read);
  CAF_CHECK(why(decide("u")) == reason::cooldown);
  CAF_CHECK_EQUAL(faults.calls(operation::read), reads);
}

CAF_TEST(a user whose reload fails is answered from memory) {
  start();
  put_popup("p", R"({"every":"1h"})");
  CAF_CHECK(shows(decide("u")));
  lose_write("u");
  faults.fail_all(storage::errc::unavailable);
  CAF_CHECK(why(decide("u")) == reason::cooldown);
  CAF_MESSAGE("not every ask reads in vain");
  auto reads = faults.calls(operation::read);
  for (int i = 0; i < 5; ++i)
    CAF_CHECK(why(decide("u")) == reason::cooldown);
  CAF_CHECK_EQUAL(faults.calls(operation::read), reads);
  test::clock_ms() += read_again_pause_ms;
  CAF_CHECK(why(decide("u")) == reason::cooldown);
  CAF_CHECK_EQUAL(faults.calls(operation::read), reads + 1);
  CAF_MESSAGE("and what is stored is read when the store is back");
  faults.heal();
  write_elsewhere("u", R"({"plan":"free"})");
  test::clock_ms() += read_again_pause_ms;
  decide("u");
  CAF_CHECK(user(user_operation::get, "u")->profile != nullptr);
}

CAF_TEST(a showing after a failed reload is checked against the store) {
  start();
  put_popup("p", R"({"stop_after":["click"]})");
  CAF_CHECK(shows(decide("u")));
  auto session = store->open_writer();
  CAF_REQUIRE(session);
  storage::event_batch_write batch{{make_event("e1", decision::event_type::click, "u", "p")}};
  CAF_REQUIRE((*session)->write({batch}));
  lose_write("u");
  faults.fail(operation::read, 1, storage::errc::unavailable);
  CAF_CHECK(why(decide("u")) == reason::capped);
  CAF_CHECK_EQUAL(node->metrics->shard(decision::shard_of("u")).conflicts.get(), 1u);
}

CAF_TEST(asks that wait for a reading that fails are answered by what they need) {
  start();
  put_popup("p", R"({"every":"1h"})");
  CAF_CHECK(shows(decide("u")));
  lose_write("u");
  write_elsewhere("u", R"({"plan":"free"})");
  faults.fail(operation::read, 1, storage::errc::unavailable);
  send_decide("u");
  auto patch = make_user_ask(user_operation::patch_profile, "u", R"({"age":30})");
  self->send(owner("u"), user_atom::value, patch);
  send_decide("u");
  consume_messages();
  for (int i = 0; i < 2; ++i) {
    auto answer = take_decide();
    CAF_REQUIRE(answer != nullptr);
    CAF_CHECK(why(answer) == reason::cooldown);
  }
  auto refused = take<user_answer_ptr>();
  CAF_REQUIRE(refused != nullptr);
  CAF_CHECK(refused->status == ask_status::unavailable);
  CAF_CHECK_EQUAL(decision::to_json(*user(user_operation::get, "u")->profile), R"({"plan":"free"})");
}

CAF_TEST(no patch is made on a profile that may be old) {
  start();
  CAF_CHECK(!user(user_operation::get, "u")->found);
  lose_write("u");
  write_elsewhere("u", R"({"plan":"free"})");
  CAF_MESSAGE("also where writes would go through before the store is known to be back");
  for (bool writable : {false, true}) {
    node->health.store.writable = writable;
    faults.fail(operation::read, 1, storage::errc::unavailable);
    auto writes = faults.calls(operation::write);
    auto refused = user(user_operation::patch_profile, "u", R"({"age":30})");
    CAF_CHECK(refused->status == ask_status::unavailable);
    CAF_CHECK_EQUAL(faults.calls(operation::write), writes);
  }
  auto patched = user(user_operation::patch_profile, "u", R"({"age":30})");
  CAF_REQUIRE(patched->profile != nullptr);
  CAF_CHECK_EQUAL(patched->profile->size(), 2u);
}

CAF_TEST(a patch that waits behind a write that is lost is made on the profile that is stored) {
  start();
  CAF_CHECK(!user(user_operation::get, "u")->found);
  faults.lose_outcome(1);
  auto ask = [&](user_operation op, const char* document) {
    self->send(owner("u"), user_atom::value, make_user_ask(op, "u", document));
  };
  ask(user_operation::replace_profile, R"({"plan":"free"})");
  ask(user_operation::patch_profile, R"({"age":30})");
  consume_messages();
  CAF_CHECK(take<user_answer_ptr>()->status == ask_status::unavailable);
  auto patched = take<user_answer_ptr>();
  CAF_REQUIRE(patched != nullptr && patched->profile != nullptr);
  CAF_CHECK_EQUAL(patched->profile->size(), 2u);
}

CAF_TEST(a write that fails does not make a user forgotten) {
  start();
  put_popup("p", R"({"every":"24h"})");
  change(catalog_operation::put_popup, "q",
         R"({"id":"q","status":"live","placements":["cart"],"content":{}})");
  CAF_CHECK(shows(decide("u")));
  faults.fail_all(storage::errc::unavailable);
  CAF_CHECK(user(user_operation::replace_profile, "u", R"({"plan":"free"})")->status
            == ask_status::unavailable);
  CAF_CHECK(why(decide("u")) == reason::cooldown);
  auto cart = std::make_shared<decide_ask>();
  cart->request.user = "u";
  cart->request.placements = {"cart"};
  auto refused = ask_and_wait<decide_answer_ptr>(owner("u"), decide_atom::value, decide_ask_ptr{cart});
  CAF_CHECK(why(refused) == reason::unavailable);
  CAF_CHECK(why(decide("u")) == reason::cooldown);
  CAF_MESSAGE("the profile that may have been stored is read before it is answered");
  faults.heal();
  write_elsewhere("u", R"({"plan":"free"})");
  node->health.store.writable = true;
  CAF_CHECK(user(user_operation::get, "u")->profile != nullptr);
}

CAF_TEST(a user being reloaded is answered from memory when the pool is gone) {
  start();
  put_popup("p", R"({"every":"1h"})");
  CAF_CHECK(shows(decide("u")));
  lose_write("u");
  caf::anon_send_exit(node->handles()->readers, caf::exit_reason::kill);
  consume_messages();
  send_decide("u");
  consume_messages();
  CAF_CHECK(take_decide() == nullptr);
  self->send(owner("u"), lost_atom::value);
  consume_messages();
  auto answer = take_decide();
  CAF_REQUIRE(answer != nullptr);
  CAF_CHECK(why(answer) == reason::cooldown);
}

CAF_TEST(an event during a failed reload is kept) {
  start();
  put_popup("p", R"({"stop_after":["click"]})");
  CAF_CHECK(shows(decide("u")));
  lose_write("u");
  caf::anon_send_exit(node->handles()->readers, caf::exit_reason::kill);
  consume_messages();
  send_decide("u");
  consume_messages();
  store_events({make_event("e1", decision::event_type::click, "u", "p")});
  self->send(owner("u"), lost_atom::value);
  consume_messages();
  auto answer = take_decide();
  CAF_REQUIRE(answer != nullptr);
  CAF_CHECK(why(answer) == reason::capped);
  CAF_CHECK_EQUAL(node->metrics->shard(decision::shard_of("u")).conflicts.get(), 0u);
}

CAF_TEST(claims that wait while the store is down do not fail one after another) {
  start();
  put_popup("p");
  CAF_CHECK(shows(decide("u")));
  faults.fail_all(storage::errc::unavailable);
  auto writes = faults.calls(operation::write);
  for (int i = 0; i < 32; ++i)
    send_decide("u");
  consume_messages();
  for (int i = 0; i < 32; ++i) {
    auto answer = take_decide();
    CAF_REQUIRE(answer != nullptr);
    CAF_CHECK(why(answer) == reason::unavailable);
  }
  CAF_CHECK(faults.calls(operation::write) - writes <= 2);
}

CAF_TEST_FIXTURE_SCOPE_END()
