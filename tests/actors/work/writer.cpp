#define CAF_SUITE actors.writer

#include "actors/work/writer.hpp"

#include "actors/context/node_metrics.hpp"
#include "storage/sharded/store.hpp"
#include "tests/support/faulty_store.hpp"
#include "tests/support/memory_store.hpp"

#include <caf/test/unit_test.hpp>
#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace beckon;
using namespace beckon::actors;
using operation = storage::fault_plan::operation;

namespace {

/// A writer over two databases of users, without an actor around it.
struct fixture {
  node_metrics metrics{std::make_shared<prometheus::Registry>()};
  storage::fault_plan plans[2];
  storage::store_ptr store = storage::make_sharded_store(
      storage::make_memory_store(), {storage::make_faulty_store(storage::make_memory_store(), plans[0]),
                                     storage::make_faulty_store(storage::make_memory_store(), plans[1])});
  writer_state writer;

  fixture() {
    writer.open = writes_to(store);
    writer.metrics = &metrics.store_pool;
  }

  static std::string user_in(size_t place, int which = 0) {
    for (int i = 0;; ++i) {
      auto id = "user-" + std::to_string(i);
      if (decision::shard_of(id) % 2 == place && which-- == 0)
        return id;
    }
  }

  static storage::write_job claim(const std::string& user) {
    storage::claim_write c;
    c.shard = static_cast<uint16_t>(decision::shard_of(user));
    c.user = user;
    c.version = 1;
    c.state = decision::encode(decision::user_state{});
    return c;
  }

  static storage::event_row event(const std::string& id, const std::string& user) {
    storage::event_row e;
    e.id = id;
    e.user = user;
    return e;
  }

  write_batch_result_ptr run(std::vector<storage::write_job> jobs) {
    write_batch batch;
    batch.jobs = std::move(jobs);
    return writer.run(batch);
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(writer_tests, fixture)

CAF_TEST(all that is written is told without errors) {
  auto result = run({claim(user_in(0)), claim(user_in(1))});
  CAF_CHECK(result->errors.empty());
  CAF_CHECK_EQUAL(result->outcomes.size(), 2u);
}

CAF_TEST(the error of a lone job is not taken for success) {
  plans[0].lose_outcome(1);
  auto result = run({claim(user_in(0))});
  CAF_REQUIRE_EQUAL(result->errors.size(), 1u);
  CAF_CHECK(result->errors[0].code == storage::errc::unknown_outcome);
}

CAF_TEST(a batch of which a part is lost is not taken for success) {
  plans[1].fail(operation::write, 1, storage::errc::unavailable);
  auto result = run({storage::event_batch_write{{event("a", user_in(0)), event("b", user_in(1))}}});
  CAF_REQUIRE_EQUAL(result->errors.size(), 1u);
  CAF_CHECK(result->errors[0].code == storage::errc::unknown_outcome);
}

CAF_TEST(jobs of a database that is away fail alone) {
  plans[1].fail_all(storage::errc::unavailable);
  auto result = run({claim(user_in(0)), claim(user_in(1))});
  CAF_CHECK(result->only_parts_failed);
  CAF_REQUIRE_EQUAL(result->errors.size(), 2u);
  CAF_CHECK(result->errors[0].ok());
  CAF_CHECK(result->errors[1].code == storage::errc::unavailable);
}

CAF_TEST(a job that is refused does not take the others of its database with it) {
  plans[0].fail(operation::write, 1, storage::errc::rejected); // the group
  plans[0].fail(operation::write, 2, storage::errc::rejected); // the first of them alone
  auto result = run({claim(user_in(0)), claim(user_in(0, 1)), claim(user_in(1))});
  CAF_REQUIRE_EQUAL(result->errors.size(), 3u);
  CAF_CHECK(result->errors[0].code == storage::errc::rejected);
  CAF_CHECK(result->errors[1].ok() && result->errors[2].ok());
}

CAF_TEST(a job tried alone whose outcome is lost is not taken for success) {
  plans[0].fail(operation::write, 1, storage::errc::rejected);
  plans[0].lose_outcome(2);
  auto result = run({claim(user_in(0)), claim(user_in(0, 1))});
  CAF_REQUIRE_EQUAL(result->errors.size(), 2u);
  CAF_CHECK(result->errors[0].code == storage::errc::unknown_outcome);
  CAF_CHECK(result->errors[1].ok());
}

CAF_TEST_FIXTURE_SCOPE_END()
