#define CAF_SUITE actors.work_pool

#include "actors/work/work_pool.hpp"

#include "tests/actors/node_fixture.hpp"

#include <caf/test/dsl.hpp>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace beckon;
using namespace beckon::actors;

namespace {

using std::chrono::milliseconds;
using write_batch = work_batch<storage::write_job>;
using write_report = work_report<write_result>;

/// What a worker was given and has not answered yet. The test answers for it.
struct desk {
  std::deque<work_batch_ptr<storage::write_job>> batches;
};

writer_actor::behavior_type clerk(writer_actor::pointer self, desk* at) {
  return {
      [self, at](const work_batch_ptr<storage::write_job>& batch) {
        at->batches.push_back(batch);
        return self->make_response_promise<work_report_ptr<write_result>>(); // never kept
      },
  };
}

using results = std::vector<std::pair<uint64_t, work_error>>;

write_client_actor::behavior_type collector(write_client_actor::pointer, results* to) {
  return {[to](const write_result_ptr& r) { to->emplace_back(r->token, r->error); }};
}

/// A pool whose workers are in the test's hands, in the time of the test.
struct fixture : test_coordinator_fixture<actors::test::system_config> {
  node_context_ptr node = std::make_shared<node_context>();
  writer_pool_actor pool;
  std::vector<writer_actor> workers;
  desk desks[4];
  results got;
  write_client_actor client;

  void begin(node_options options = options_from(config::configuration{})) {
    node->options = options;
    node->metrics = std::make_shared<node_metrics>(std::make_shared<prometheus::Registry>());
    client = sys.spawn(collector, &got);
    pool = sys.spawn(writer_pool, node, store_plan(*node));
    consume_messages();
  }

  ~fixture() {
    caf::anon_send_exit(pool, caf::exit_reason::kill);
    for (const auto& w : workers)
      caf::anon_send_exit(w, caf::exit_reason::kill);
    caf::anon_send_exit(client, caf::exit_reason::kill);
    consume_messages();
  }

  writer_actor hire(uint32_t lane) {
    workers.push_back(sys.spawn(clerk, &desks[lane]));
    self->send(pool, attach_atom::value, lane, workers.back());
    consume_messages();
    answer(lane); // the look at the store
    return workers.back();
  }

  /// The worker of this lane has done its batch.
  void answer(uint32_t lane, work_error store = {}) {
    CAF_REQUIRE(!desks[lane].batches.empty());
    auto report = std::make_shared<write_report>();
    report->lane = lane;
    for (size_t i = 0; i < desks[lane].batches.front()->jobs.size(); ++i)
      report->results.push_back(std::make_shared<write_result>());
    report->store = std::move(store);
    desks[lane].batches.pop_front();
    self->send(pool, work_report_ptr<write_result>{report});
    consume_messages();
  }

  static storage::write_job claim(const std::string& user) {
    storage::claim_write c;
    c.user = user;
    return c;
  }

  static storage::write_job events(size_t count) {
    return storage::event_batch_write{std::vector<storage::event_row>(count)};
  }

  void ask(uint64_t token, uint32_t key, storage::write_job job) {
    self->send(pool,
               std::make_shared<write_ask_ptr::element_type>(work_key{key}, std::move(job), client, token));
    consume_messages();
  }

  void let_pass(milliseconds time) {
    sched.advance_time(time);
    consume_messages();
  }

  std::vector<uint64_t> tokens() const {
    std::vector<uint64_t> all;
    for (const auto& r : got)
      all.push_back(r.first);
    return all;
  }

  /// The jobs in the hands of a worker, as a word: c for a claim, e for events, m for maintenance.
  std::string at(uint32_t lane) const {
    std::string word;
    if (!desks[lane].batches.empty())
      for (const auto& job : desks[lane].batches.front()->jobs)
        word += std::holds_alternative<storage::claim_write>(job)         ? 'c'
                : std::holds_alternative<storage::event_batch_write>(job) ? 'e'
                                                                          : 'm';
    return word;
  }
};

using numbers = std::vector<uint64_t>;

} // namespace

CAF_TEST_FIXTURE_SCOPE(work_pool_tests, fixture)

CAF_TEST(a worker has one batch at a time and what gathers meanwhile is the next) {
  begin();
  hire(0);
  for (uint64_t i = 1; i <= 4; ++i)
    ask(i, 0, claim("u"));
  CAF_CHECK_EQUAL(at(0), "c");
  CAF_CHECK_EQUAL(desks[0].batches.size(), 1u);
  answer(0);
  CAF_CHECK_EQUAL(at(0), "ccc");
  answer(0);
  CAF_CHECK((tokens() == numbers{1, 2, 3, 4}));
}

CAF_TEST(jobs of one key go to one lane in their order) {
  node_options o = options_from(config::configuration{});
  o.writers = 2;
  o.event_lanes = 1;
  begin(o);
  for (uint32_t lane = 0; lane < 4; ++lane)
    hire(lane);
  for (uint64_t i = 0; i < 6; ++i)
    ask(i, static_cast<uint32_t>(i % 2), claim("u"));
  answer(1);
  answer(1);
  CAF_CHECK((tokens() == numbers{1, 3, 5}));
  answer(0);
  answer(0);
  CAF_CHECK((tokens() == numbers{1, 3, 5, 0, 2, 4}));
}

CAF_TEST(classes with lanes of their own never meet) {
  node_options o = options_from(config::configuration{});
  o.event_lanes = 2;
  begin(o);
  for (uint32_t lane = 0; lane < 4; ++lane)
    hire(lane);
  for (uint64_t i = 0; i < 10; ++i)
    ask(i, static_cast<uint32_t>(i), events(1000));
  ask(20, 0, storage::answers_prune{});
  ask(21, 7, claim("u"));
  CAF_CHECK_EQUAL(at(0), "c");
  CAF_CHECK_EQUAL(at(1), "e");
  CAF_CHECK_EQUAL(at(2), "e");
  CAF_CHECK_EQUAL(at(3), "m");
}

CAF_TEST(in a shared lane claims go first and wait for one bounded group at most) {
  begin();
  hire(0);
  for (uint64_t i = 0; i < 20; ++i)
    ask(i, 0, events(600));
  CAF_CHECK_EQUAL(at(0), "e");
  ask(100, 0, claim("u"));
  answer(0);
  CAF_CHECK_EQUAL(at(0), "c");
  CAF_MESSAGE("without claims a backlog goes on, never more than the bound at once");
  answer(0);
  CAF_CHECK_EQUAL(at(0), "e");
}

CAF_TEST(no class of a shared lane starves) {
  begin();
  hire(0);
  node->options.batch_jobs_max = 256;
  ask(0, 0, claim("u"));
  ask(1, 0, events(600));
  ask(2, 0, storage::user_erase{"u"});
  std::string order;
  for (int i = 0; i < 12; ++i) {
    for (int k = 0; k < 300; ++k) // more than a group takes: nothing small fits beside them
      ask(10, 0, claim("u"));
    answer(0);
    order += at(0).substr(0, 1);
  }
  CAF_MESSAGE(order);
  CAF_CHECK(order.find('e') < 6);
  CAF_CHECK(order.find('m') < 8);
  CAF_CHECK_EQUAL(order.find("em"), std::string::npos);
}

CAF_TEST(small jobs of other classes share the transaction of a small group) {
  begin();
  hire(0);
  ask(0, 0, claim("u"));
  ask(1, 0, events(20));
  ask(2, 0, claim("u"));
  ask(3, 0, storage::answers_prune{0, 10});
  answer(0);
  CAF_CHECK_EQUAL(at(0), "cem");
}

CAF_TEST(a queue is bounded in jobs and in bytes) {
  node_options o = options_from(config::configuration{});
  o.write_jobs_max = 3;
  o.write_bytes_max = 5000;
  begin(o);
  for (uint64_t i = 0; i < 4; ++i)
    ask(i, 0, claim("u"));
  CAF_CHECK((tokens() == numbers{3}));
  CAF_CHECK(got[0].second.what == work_error::kind::overloaded);
  CAF_MESSAGE("of another class there is room, for as many bytes as may wait");
  ask(10, 0, events(40));
  ask(11, 0, events(60));
  CAF_CHECK((tokens() == numbers{3, 11}));
  auto& m = node->metrics->store_pool;
  CAF_CHECK_EQUAL(m.of(work_class::claims).overloads->Value(), 1.0);
  CAF_CHECK_EQUAL(m.of(work_class::events).overloads->Value(), 1.0);
  CAF_CHECK_EQUAL(m.of(work_class::claims).queue_jobs->Value(), 3.0);
}

CAF_TEST(what waits too long is refused although no worker is free to take it) {
  begin();
  hire(0);
  ask(1, 0, claim("u")); // the worker does not come back
  let_pass(milliseconds{500});
  ask(2, 0, claim("u"));
  let_pass(milliseconds{1900});
  ask(3, 0, claim("u"));
  CAF_CHECK(got.empty());
  let_pass(milliseconds{200});
  CAF_REQUIRE((tokens() == numbers{2}));
  CAF_CHECK(got[0].second.what == work_error::kind::overloaded);
  let_pass(milliseconds{1700});
  CAF_CHECK((tokens() == numbers{2}));
  let_pass(milliseconds{400});
  CAF_CHECK((tokens() == numbers{2, 3}));
  CAF_MESSAGE("what the worker has in hand is its own");
  answer(0);
  CAF_CHECK((tokens() == numbers{2, 3, 1}));
}

CAF_TEST(what waits for a worker that is away is refused in time and carried out if one comes) {
  begin();
  ask(1, 0, claim("u"));
  let_pass(milliseconds{2100});
  CAF_CHECK((tokens() == numbers{1}));
  ask(2, 0, claim("u"));
  workers.push_back(sys.spawn(clerk, &desks[0]));
  self->send(pool, attach_atom::value, uint32_t{0}, workers.back());
  consume_messages();
  CAF_CHECK_EQUAL(at(0), "c");
}

CAF_TEST(a worker that dies leaves unknown what it had in hand and only that) {
  begin();
  auto first = hire(0);
  ask(1, 0, claim("u"));
  ask(2, 0, claim("u"));
  caf::anon_send_exit(first, caf::exit_reason::kill);
  consume_messages();
  CAF_REQUIRE((tokens() == numbers{1}));
  CAF_CHECK(got[0].second.code == storage::errc::unknown_outcome);
  desks[0].batches.clear();
  workers.push_back(sys.spawn(clerk, &desks[0]));
  self->send(pool, attach_atom::value, uint32_t{0}, workers.back());
  consume_messages();
  CAF_CHECK_EQUAL(at(0), "c");
  answer(0);
  CAF_CHECK((tokens() == numbers{1, 2}));
}

CAF_TEST(a pool that starts again goes on with live workers) {
  begin();
  auto worker = hire(0);
  ask(1, 0, claim("u"));
  caf::anon_send_exit(pool, caf::exit_reason::kill);
  consume_messages();
  pool = sys.spawn(writer_pool, node, store_plan(*node));
  self->send(pool, attach_atom::value, uint32_t{0}, worker);
  consume_messages();
  desks[0].batches.pop_front(); // the answer to the pool that is gone reaches nobody
  answer(0);
  ask(2, 0, claim("u"));
  answer(0);
  CAF_CHECK((tokens() == numbers{2}));
}

CAF_TEST(a pool stops when all is done and takes nothing more) {
  begin();
  hire(0);
  ask(1, 0, claim("u"));
  ask(2, 0, claim("u"));
  self->send(pool, stop_atom::value);
  consume_messages();
  ask(3, 0, claim("u"));
  CAF_CHECK((tokens() == numbers{3}));
  bool stopped = false;
  auto look = [&] {
    self->receive([&](stop_atom) { stopped = true; }, caf::after(std::chrono::seconds{0}) >> [] {});
  };
  answer(0);
  look();
  CAF_CHECK(!stopped);
  answer(0);
  look();
  CAF_CHECK(stopped);
  CAF_CHECK((tokens() == numbers{3, 1, 2}));
}

CAF_TEST(a stop does not wait for a worker that is away) {
  begin();
  ask(1, 0, claim("u"));
  self->send(pool, stop_atom::value);
  consume_messages();
  bool stopped = false;
  self->receive([&](stop_atom) { stopped = true; }, caf::after(std::chrono::seconds{0}) >> [] {});
  CAF_CHECK(stopped);
  CAF_CHECK((tokens() == numbers{1}));
}

CAF_TEST(an idle store is looked at seldom and soon while it cannot be written to) {
  node_options o = options_from(config::configuration{});
  o.store_check_ms = 10'000;
  begin(o);
  hire(0);
  CAF_CHECK(node->health.store.writable);
  let_pass(milliseconds{1100}); // the timer that was set before the store was known
  if (!desks[0].batches.empty())
    answer(0);
  let_pass(milliseconds{9000});
  CAF_CHECK(desks[0].batches.empty());
  let_pass(milliseconds{1100});
  CAF_REQUIRE(!desks[0].batches.empty());
  answer(0, {work_error::kind::store, storage::errc::unavailable, "away"});
  CAF_CHECK(!node->health.store.writable);
  let_pass(milliseconds{1100});
  CAF_REQUIRE(!desks[0].batches.empty());
  answer(0);
  CAF_CHECK(node->health.store.writable);
}

CAF_TEST_FIXTURE_SCOPE_END()
