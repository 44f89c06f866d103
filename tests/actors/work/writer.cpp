#define CAF_SUITE actors.writer

#include "actors/work/writer.hpp"

#include "actors/context/node_metrics.hpp"
#include "storage/sharded/store.hpp"
#include "tests/support/faulty_store.hpp"
#include "tests/support/memory_store.hpp"

#include <caf/test/unit_test.hpp>
#include <prometheus/registry.h>

#include <algorithm>
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

  write_report_ptr run(std::vector<storage::write_job> jobs) {
    write_batch batch;
    batch.jobs = std::move(jobs);
    return writer.run(batch);
  }
};

using codes = std::vector<storage::errc>;
constexpr storage::errc ok{};

codes errors_of(const write_report& report) {
  codes all;
  for (const auto& r : report.results)
    all.push_back(r->error.ok() ? ok : r->error.code);
  return all;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(writer_tests, fixture)

CAF_TEST(all that is written is told without errors) {
  auto report = run({claim(user_in(0)), claim(user_in(1))});
  CAF_CHECK((errors_of(*report) == codes{ok, ok}));
  CAF_CHECK(report->store && report->store->ok());
}

CAF_TEST(the error of a lone job is not taken for success) {
  plans[0].lose_outcome(1);
  auto report = run({claim(user_in(0))});
  CAF_CHECK((errors_of(*report) == codes{storage::errc::unknown_outcome}));
}

CAF_TEST(a batch of which a part is lost is not taken for success) {
  plans[1].fail(operation::write, 1, storage::errc::unavailable);
  auto report = run({storage::event_batch_write{{event("a", user_in(0)), event("b", user_in(1))}}});
  CAF_CHECK((errors_of(*report) == codes{storage::errc::unknown_outcome}));
}

CAF_TEST(jobs of a database that is away fail alone and say nothing of the store) {
  plans[1].fail_all(storage::errc::unavailable);
  auto report = run({claim(user_in(0)), claim(user_in(1))});
  CAF_CHECK(!report->store);
  CAF_CHECK((errors_of(*report) == codes{ok, storage::errc::unavailable}));
}

CAF_TEST(a job that is refused does not take the others of its database with it) {
  plans[0].fail(operation::write, 1, storage::errc::rejected); // the group
  plans[0].fail(operation::write, 2, storage::errc::rejected); // the first of them alone
  auto report = run({claim(user_in(0)), claim(user_in(0, 1)), claim(user_in(1))});
  CAF_CHECK((errors_of(*report) == codes{storage::errc::rejected, ok, ok}));
}

CAF_TEST(a job tried alone whose outcome is lost is not taken for success) {
  plans[0].fail(operation::write, 1, storage::errc::rejected);
  plans[0].lose_outcome(2);
  auto report = run({claim(user_in(0)), claim(user_in(0, 1))});
  CAF_CHECK((errors_of(*report) == codes{storage::errc::unknown_outcome, ok}));
}

CAF_TEST_FIXTURE_SCOPE_END()

namespace {

/// A session of which one job cannot be carried out, with any others or alone.
class poisoned_session : public storage::write_session {
 public:
  struct plan {
    std::string user;
    storage::errc code = storage::errc::rejected;
    bool away = false;            // the store, from the first failure on
    size_t writes_max = SIZE_MAX; // after so many the store is away
    size_t writes = 0;
    std::vector<std::string> written;
  };
  explicit poisoned_session(plan& p) : plan_(p) {}

  caf::expected<std::vector<storage::write_outcome>>
  write(const std::vector<storage::write_job>& jobs) override {
    if (plan_.writes >= plan_.writes_max) {
      plan_.away = true;
      return storage::make_error(storage::errc::unavailable, "away");
    }
    ++plan_.writes;
    for (const auto& job : jobs)
      if (std::get<storage::claim_write>(job).user == plan_.user)
        return storage::make_error(plan_.code, "poisoned");
    for (const auto& job : jobs)
      plan_.written.push_back(std::get<storage::claim_write>(job).user);
    return std::vector<storage::write_outcome>(jobs.size());
  }
  caf::error ping() override {
    return plan_.away ? storage::make_error(storage::errc::unavailable, "away") : caf::error{};
  }

 private:
  plan& plan_;
};

struct halving_fixture {
  node_metrics metrics{std::make_shared<prometheus::Registry>()};
  poisoned_session::plan plan;
  writer_state writer;
  work_batch<storage::write_job> batch;

  halving_fixture() {
    writer.metrics = &metrics.store_pool;
    writer.session = std::make_unique<poisoned_session>(plan);
    for (int i = 0; i < 256; ++i) {
      storage::claim_write c;
      c.user = std::to_string(i);
      batch.jobs.emplace_back(std::move(c));
    }
  }

  size_t failed(const write_report& r) {
    return static_cast<size_t>(
        std::count_if(r.results.begin(), r.results.end(), [](const auto& one) { return !one->error.ok(); }));
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(halving_tests, halving_fixture)

CAF_TEST(one refused job among hundreds fails alone and is found by halving) {
  for (const char* user : {"0", "77", "255"}) {
    plan = {};
    plan.user = user;
    auto report = writer.run(batch);
    CAF_CHECK_EQUAL(failed(*report), 1u);
    CAF_CHECK(report->results[std::stoul(user)]->error.code == storage::errc::rejected);
    CAF_CHECK(plan.writes <= 17u);
    CAF_MESSAGE("the others were written once, in their order");
    std::vector<std::string> others;
    for (int i = 0; i < 256; ++i)
      if (std::to_string(i) != user)
        others.push_back(std::to_string(i));
    CAF_CHECK(plan.written == others);
  }
}

CAF_TEST(a lock that one job waits for in vain fails that job while the store is well) {
  plan = {};
  plan.user = "100";
  plan.code = storage::errc::unavailable;
  auto report = writer.run(batch);
  CAF_CHECK_EQUAL(failed(*report), 1u);
  CAF_CHECK(report->results[100]->error.code == storage::errc::unavailable);
  CAF_CHECK(report->store && report->store->ok());
  CAF_CHECK(plan.writes <= 17u);
}

CAF_TEST(a store that is away is not asked again for each half) {
  plan = {};
  plan.user = "100";
  plan.code = storage::errc::unavailable;
  plan.away = true;
  auto report = writer.run(batch);
  CAF_CHECK_EQUAL(failed(*report), 256u);
  CAF_CHECK_EQUAL(plan.writes, 1u);
  CAF_CHECK(report->store && !report->store->ok());
}

CAF_TEST(what was not tried alone is never told to be refused) {
  plan = {};
  plan.user = "0";
  plan.writes_max = 2; // the whole group, and its first half
  auto report = writer.run(batch);
  CAF_CHECK_EQUAL(failed(*report), 256u);
  for (const auto& r : report->results)
    CAF_CHECK(r->error.code == storage::errc::unavailable);
  CAF_CHECK(report->store && !report->store->ok());
}

CAF_TEST(a group whose outcome is unknown is not done again) {
  plan = {};
  plan.user = "100";
  plan.code = storage::errc::unknown_outcome;
  auto report = writer.run(batch);
  CAF_CHECK_EQUAL(failed(*report), 256u);
  CAF_CHECK_EQUAL(plan.writes, 1u);
}

CAF_TEST_FIXTURE_SCOPE_END()
