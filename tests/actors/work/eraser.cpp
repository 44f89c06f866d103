#define CAF_SUITE actors.eraser

#include "actors/work/eraser.hpp"

#include "tests/actors/node_fixture.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

using namespace beckon;
using namespace beckon::actors;

namespace {

struct fixture : actors::test::node_fixture {
  eraser_actor worker;

  void begin() {
    start();
    worker = sys.spawn(eraser, node);
    auto table = std::make_shared<node_handles>(*node->handles());
    table->eraser = worker;
    node->publish(table);
    consume_messages();
  }

  ~fixture() {
    caf::anon_send_exit(worker, caf::exit_reason::kill);
    consume_messages();
  }

  void store_many(const std::string& user, uint32_t count) {
    std::vector<storage::event_row> rows;
    for (uint32_t i = 0; i < count; ++i)
      rows.push_back(make_event(user + std::to_string(i), decision::event_type::impression, user, "p"));
    auto session = store->open_writer();
    CAF_REQUIRE(session && (*session)->write({storage::event_batch_write{rows}}));
  }

  void mark(const std::string& user) {
    auto session = store->open_writer();
    auto shard = static_cast<uint16_t>(decision::shard_of(user));
    CAF_REQUIRE(session);
    auto out = (*session)->write({storage::user_erase{user, shard, {}, 0, 1}});
    CAF_REQUIRE(out && out->at(0).more);
  }

  size_t marks() {
    auto session = store->open_reader();
    CAF_REQUIRE(session);
    return (*session)->load_erasures("", 10)->size();
  }

  void let_pass(std::chrono::milliseconds time) {
    sched.advance_time(time);
    consume_messages();
  }

  double erased() const { return node->metrics->erased_events->Value(); }

  static constexpr uint32_t piece = storage::erased_events_per_piece;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(eraser_tests, fixture)

CAF_TEST(a user erased by its shard is erased to the end) {
  begin();
  store_many("u", 3 * piece);
  CAF_CHECK(user(user_operation::erase, "u")->found);
  consume_messages();
  CAF_CHECK_EQUAL(marks(), 1u);
  CAF_CHECK_EQUAL(erased(), piece);
  CAF_CHECK_EQUAL(node->metrics->erasures_open->Value(), 1.0);
  for (int i = 0; i < 3; ++i)
    let_pass(std::chrono::seconds{1});
  CAF_CHECK_EQUAL(marks(), 0u);
  CAF_CHECK_EQUAL(erased(), 2.0 * piece);
  CAF_CHECK_EQUAL(node->metrics->erasures_open->Value(), 0.0);
}

CAF_TEST(marks from before the start are found and users take turns) {
  store_many("a", 2 * piece);
  store_many("b", 3);
  mark("a");
  mark("b");
  begin();
  let_pass(std::chrono::seconds{1});
  CAF_CHECK_EQUAL(marks(), 1u); // b is done before the second piece of a
  let_pass(std::chrono::seconds{1});
  CAF_CHECK_EQUAL(marks(), 0u);
}

CAF_TEST(marks that nobody told of are found after a while) {
  begin();
  store_many("u", 2);
  mark("u");
  consume_messages();
  CAF_CHECK_EQUAL(marks(), 1u);
  let_pass(std::chrono::seconds{31});
  CAF_CHECK_EQUAL(marks(), 0u);
}

CAF_TEST(a piece that failed is tried again) {
  store_many("u", 2);
  mark("u");
  faults.fail(storage::fault_plan::operation::write, 1, storage::errc::unavailable);
  begin();
  let_pass(std::chrono::seconds{6});
  CAF_CHECK_EQUAL(marks(), 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()
