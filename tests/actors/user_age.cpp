#define CAF_SUITE actors.user_age

#include "node_fixture.hpp"

using namespace beckon;
using namespace beckon::actors;
using decision::reason;

namespace {

constexpr int64_t age_max_ms = 1000;

struct fixture : actors::test::node_fixture {
  using operation = storage::fault_plan::operation;

  void start_aging() {
    node_options options;
    options.user_age_max_ms = age_max_ms;
    start(options);
    change(catalog_operation::put_popup, "p",
           R"({"id":"p","status":"live","placements":["home"],"content":{},)"
           R"("audience":{"attribute":"plan","op":"eq","value":"free"}})");
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

CAF_TEST_FIXTURE_SCOPE(user_age_tests, fixture)

CAF_TEST(a profile that somebody else wrote is decided on once the user is old) {
  start_aging();
  CAF_CHECK(!shows(decide("u")));
  write_elsewhere("u", R"({"plan":"free"})");
  test::clock_ms() += age_max_ms - 1;
  CAF_CHECK(!shows(decide("u")));
  test::clock_ms() += 1;
  CAF_CHECK(shows(decide("u")));
}

CAF_TEST(a patch is made on the profile that is stored) {
  start_aging();
  CAF_CHECK(!shows(decide("u")));
  write_elsewhere("u", R"({"plan":"free"})");
  auto patched = user(user_operation::patch_profile, "u", R"({"age":30})");
  CAF_REQUIRE(patched->profile != nullptr);
  CAF_CHECK_EQUAL(patched->profile->size(), 2u);
}

CAF_TEST(while the store is away a user of any age is answered from memory) {
  start_aging();
  write_elsewhere("u", R"({"plan":"free"})");
  change(catalog_operation::put_popup, "p",
         R"({"id":"p","status":"live","placements":["home"],"content":{},"frequency":{"every":"1h"}})");
  CAF_CHECK(shows(decide("u")));
  node->health.store.writable = false;
  faults.fail_all(storage::errc::unavailable);
  test::clock_ms() += 10 * age_max_ms;
  CAF_CHECK(why(decide("u")) == reason::cooldown);
}

CAF_TEST(without a bound a user stays as loaded) {
  start();
  put_popup("p", R"({"every":"1h"})");
  CAF_CHECK(shows(decide("u")));
  auto reads = faults.calls(operation::read);
  test::clock_ms() += 100 * age_max_ms;
  CAF_CHECK(!shows(decide("u")));
  CAF_CHECK_EQUAL(faults.calls(operation::read), reads);
}

CAF_TEST_FIXTURE_SCOPE_END()
