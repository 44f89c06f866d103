#define CAF_SUITE actors.answer_pruner

#include "actors/work/answer_pruner.hpp"

#include "decision/user_state.hpp"
#include "tests/actors/node_fixture.hpp"

using namespace beckon;
using namespace beckon::actors;

namespace {

struct fixture : actors::test::node_fixture {
  answer_pruner_actor pruner;

  fixture() {
    start();
    pruner = sys.spawn(answer_pruner, node);
    consume_messages();
  }

  ~fixture() {
    caf::anon_send_exit(pruner, caf::exit_reason::kill);
    consume_messages();
  }

  /// Answers to `count` requests, so old.
  void remember(int count, int64_t age_ms) {
    std::vector<storage::write_job> jobs;
    for (int i = 0; i < count; ++i) {
      storage::claim_write c;
      c.user = "user-" + std::to_string(age_ms) + "-" + std::to_string(i);
      c.version = 1;
      c.state = decision::encode(decision::user_state{});
      c.answer = storage::stored_answer{"request", actors::test::clock_ms() - age_ms, "{}"};
      jobs.emplace_back(std::move(c));
    }
    auto session = store->open_writer();
    CAF_REQUIRE(session);
    CAF_REQUIRE((*session)->write(jobs));
  }

  bool is_remembered(int64_t age_ms, int which) {
    auto session = store->open_reader();
    CAF_REQUIRE(session);
    auto user = "user-" + std::to_string(age_ms) + "-" + std::to_string(which);
    auto found = (*session)->load_answer(user, "request", 0);
    CAF_REQUIRE(found);
    return found->has_value();
  }

  uint64_t writes() const { return faults.calls(storage::fault_plan::operation::write); }

  void let_pass(std::chrono::seconds time) {
    sched.advance_time(time);
    consume_messages();
  }
};

constexpr auto old_ms = decision::request_id_keep_ms + 1000;

} // namespace

CAF_TEST_FIXTURE_SCOPE(answer_pruner_tests, fixture)

CAF_TEST(answers that no retry may ask for are dropped piece by piece and the others stay) {
  remember(1100, old_ms);
  remember(1, 1000);
  auto before = writes();
  let_pass(std::chrono::seconds{9});
  CAF_CHECK_EQUAL(writes(), before);
  let_pass(std::chrono::seconds{2});
  CAF_MESSAGE("1000, the 100 that are left, and none");
  CAF_CHECK_EQUAL(writes(), before + 3);
  for (int i : {0, 500, 1099})
    CAF_CHECK(!is_remembered(old_ms, i));
  CAF_CHECK(is_remembered(1000, 0));
}

CAF_TEST(a prune that failed is tried again with the next turn and not at once) {
  remember(1100, old_ms);
  auto before = writes();
  faults.fail(storage::fault_plan::operation::write, 1, storage::errc::unavailable);
  let_pass(std::chrono::seconds{11});
  CAF_CHECK_EQUAL(writes(), before + 1);
  CAF_CHECK(is_remembered(old_ms, 0));
  let_pass(std::chrono::seconds{10});
  CAF_CHECK(!is_remembered(old_ms, 0));
}

CAF_TEST_FIXTURE_SCOPE_END()
