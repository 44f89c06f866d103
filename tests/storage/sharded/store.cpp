#define CAF_SUITE storage.sharded_store
#include "storage/sharded/store.hpp"

#include "tests/storage/job_samples.hpp"
#include "tests/support/faulty_store.hpp"
#include "tests/support/memory_store.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

using namespace beckon::storage;
using namespace beckon::storage::test;
using type = beckon::decision::event_type;

namespace {

constexpr size_t databases = 3;

/// A user of each database, and one more of the first.
std::string user_in(size_t place, int which = 0) {
  for (int i = 0;; ++i) {
    auto id = "user-" + std::to_string(i);
    if (beckon::decision::shard_of(id) % databases == place && which-- == 0)
      return id;
  }
}

struct fixture {
  store_ptr catalog = make_memory_store();
  std::array<store_ptr, databases> parts{make_memory_store(), make_memory_store(), make_memory_store()};
  std::array<fault_plan, databases> plans;
  store_ptr store = make_sharded_store(catalog, {make_faulty_store(parts[0], plans[0]),
                                                 make_faulty_store(parts[1], plans[1]),
                                                 make_faulty_store(parts[2], plans[2])});
  std::unique_ptr<session> writer = std::move(*store->open_writer());
  std::unique_ptr<session> reader = std::move(*store->open_reader());

  static bool holds(const store_ptr& part, const std::string& user) {
    auto s = std::move(*part->open_reader());
    auto rows = s->load_users({user});
    return rows && !rows->at(0).state.empty();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(sharded_store_tests, fixture)

CAF_TEST(each user is in the database of its shard alone) {
  std::vector<write_job> jobs;
  for (size_t p = 0; p < databases; ++p)
    jobs.emplace_back(claim(user_in(p), 0));
  CAF_REQUIRE(writer->write(jobs));
  for (size_t p = 0; p < databases; ++p)
    for (size_t q = 0; q < databases; ++q)
      CAF_CHECK_EQUAL(holds(parts[q], user_in(p)), p == q);
}

CAF_TEST(where one database fails the others go on) {
  plans[1].fail_all(errc::unavailable);
  auto outcomes = writer->write({claim(user_in(0), 0), claim(user_in(1), 0), claim(user_in(2), 0)});
  CAF_REQUIRE(outcomes);
  CAF_CHECK(!outcomes->at(0).error && !outcomes->at(2).error);
  CAF_CHECK(code_of(outcomes->at(1).error) == errc::unavailable);
  auto rows = reader->load_users({user_in(0), user_in(1), user_in(2)});
  CAF_REQUIRE(rows);
  CAF_CHECK(!rows->at(0).state.empty() && !rows->at(2).state.empty());
  CAF_CHECK(code_of(rows->at(1).error) == errc::unavailable);
  CAF_CHECK(!writer->ping()); // of the catalogue
  plans[1].heal();
  CAF_CHECK(!holds(parts[1], user_in(1)));
}

CAF_TEST(each job has the error of its own database) {
  plans[0].lose_outcome(1);
  plans[1].fail_all(errc::unavailable);
  plans[2].fail_all(errc::disk_full);
  auto outcomes = writer->write({claim(user_in(2), 0), claim(user_in(1), 0), claim(user_in(0), 0)});
  CAF_REQUIRE(outcomes);
  CAF_CHECK(code_of(outcomes->at(0).error) == errc::disk_full);
  CAF_CHECK(code_of(outcomes->at(1).error) == errc::unavailable);
  CAF_CHECK(code_of(outcomes->at(2).error) == errc::unknown_outcome);
  CAF_CHECK(holds(parts[0], user_in(0)));
}

CAF_TEST(a batch gets the most serious error of its parts) {
  auto sent = [&](const std::string& id) {
    event_batch_write batch;
    for (size_t p = 0; p < databases; ++p)
      batch.events.push_back(event(id + std::to_string(p), type::impression, user_in(p)));
    auto outcomes = writer->write({batch});
    CAF_REQUIRE(outcomes);
    return code_of(outcomes->at(0).error);
  };
  using operation = fault_plan::operation;
  plans[1].fail(operation::write, 1, errc::rejected);
  CAF_CHECK(sent("a") == errc::rejected); // it never will be taken: to be set aside, not to be sent for ever
  plans[1].fail(operation::write, 1, errc::rejected);
  plans[2].fail(operation::write, 1, errc::unavailable);
  CAF_CHECK(sent("b") == errc::unknown_outcome);
  for (auto& plan : plans)
    plan.fail(operation::write, 1, errc::unavailable);
  CAF_CHECK(sent("c") == errc::unavailable); // nothing was stored
  plans[0].lose_outcome(1);
  plans[1].fail(operation::write, 1, errc::unavailable);
  plans[2].fail(operation::write, 1, errc::rejected);
  CAF_CHECK(sent("d") == errc::unknown_outcome);
  CAF_CHECK(sent("e") == errc{});
}

CAF_TEST(jobs about the catalogue that follow one another are taken as a whole) {
  auto spoiled = make_sharded_store(make_faulty_store(catalog, plans[0]), {parts[1], parts[2]});
  auto s = std::move(*spoiled->open_writer());
  plans[0].fail(fault_plan::operation::write, 1, errc::rejected);
  auto outcomes = s->write({settings_write{"{}", {}}, popup_write{"welcome", {}, "{}", noon_ms}});
  CAF_REQUIRE(outcomes);
  CAF_CHECK(outcomes->at(0).error && outcomes->at(1).error);
  CAF_CHECK_EQUAL(+reader->load_catalog()->version, 0u);
}

CAF_TEST(answers are pruned in each database for its share) {
  std::vector<write_job> jobs;
  for (size_t p = 0; p < databases; ++p)
    for (int i = 0; i < 4; ++i)
      jobs.emplace_back(claim_with_answer(user_in(p, i), 0, {"r", noon_ms, "{}"}));
  CAF_REQUIRE(writer->write(jobs));
  CAF_CHECK_EQUAL(writer->write({answers_prune{noon_ms + 1, 7}})->at(0).affected, 9u);
  CAF_CHECK_EQUAL(writer->write({answers_prune{noon_ms + 1, 7}})->at(0).affected, 3u);
}

CAF_TEST(a catalogue that is older than the databases of users is made known to them) {
  auto old = std::move(*catalog->open_writer());
  CAF_REQUIRE(old->write({popup_write{"welcome", {}, "{}", noon_ms}}));
  event_batch_write click{{event("e-1", type::click, user_in(1))}};
  CAF_CHECK(writer->write({click})->at(0).changed.empty());
  CAF_CHECK(!make_catalog_known(*catalog, {parts[0], parts[1], parts[2]}, noon_ms));
  click.events[0].id = "e-2";
  CAF_CHECK_EQUAL(writer->write({click})->at(0).changed.size(), 1u);
  CAF_CHECK(std::move(*parts[1]->open_reader())->load_catalog()->popups.empty());
}

CAF_TEST(a batch of which a part failed is of unknown outcome and is completed by sending it again) {
  event_batch_write batch;
  for (size_t p = 0; p < databases; ++p)
    batch.events.push_back(event("e-" + std::to_string(p), type::impression, user_in(p)));
  plans[2].fail_all(errc::unavailable);
  auto outcomes = writer->write({batch});
  CAF_REQUIRE(outcomes);
  CAF_CHECK(code_of(outcomes->at(0).error) == errc::unknown_outcome);
  plans[2].heal();
  auto again = writer->write({batch});
  CAF_REQUIRE(again);
  CAF_CHECK(!again->at(0).error);
  CAF_CHECK_EQUAL(again->at(0).duplicates, 2u);
  CAF_CHECK_EQUAL(event_ids(*reader, {}, 2).size(), 3u);
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "impression a 3/3 ");
}

CAF_TEST(a new popup is known everywhere before it is in the catalogue) {
  plans[2].fail_all(errc::unavailable);
  CAF_CHECK(writer->write({popup_write{"welcome", {}, "{}", noon_ms}})->at(0).error);
  CAF_CHECK(reader->load_catalog()->popups.empty());
  plans[2].heal();
  CAF_CHECK(!writer->write({popup_write{"welcome", {}, "{}", noon_ms}})->at(0).error);
  CAF_CHECK_EQUAL(reader->load_catalog()->popups.size(), 1u);
  CAF_CHECK_EQUAL(+reader->load_catalog()->version, 1u);
  event_batch_write clicks;
  for (size_t p = 0; p < databases; ++p)
    clicks.events.push_back(event("e-" + std::to_string(p), type::click, user_in(p)));
  CAF_CHECK_EQUAL(writer->write({clicks})->at(0).changed.size(), databases);
}

CAF_TEST(pages of several databases are one list in order however long they are) {
  std::vector<std::string> sent;
  event_batch_write batch;
  for (int i = 0; i < 100; ++i) {
    auto id = "e-" + std::to_string(1000 + i);
    // Few in the first database and many in the second, and several at each moment.
    auto place = static_cast<size_t>(i % 7 == 0 ? 0 : i % 5 == 0 ? 2 : 1);
    batch.events.push_back(impression(id, noon_ms + i / 3, user_in(place)));
    sent.push_back(id);
  }
  CAF_REQUIRE(writer->write({batch}));
  for (uint32_t limit : {1u, 2u, 3u, 7u, 50u, 100u, 1000u}) {
    auto listed = event_ids(*reader, {}, limit);
    CAF_CHECK_EQUAL(listed.size(), sent.size());
    std::sort(listed.begin(), listed.end());
    CAF_CHECK(listed == sent);
  }
  event_cursor from;
  int64_t last_at = 0;
  for (bool more = true; more;) {
    auto page = reader->load_events({}, from, 9);
    CAF_REQUIRE(page);
    for (const auto& e : page->events) {
      CAF_CHECK_GREATER_OR_EQUAL(e.at_ms, last_at);
      last_at = e.at_ms;
    }
    from = page->next;
    more = !page->last;
  }
  event_filter since;
  since.since_ms = noon_ms + 10;
  CAF_CHECK_EQUAL(event_ids(*reader, since, 4).size(), 70u);
}

CAF_TEST(the catalogue may be in one of the databases) {
  auto both = make_sharded_store(parts[1], {parts[0], parts[1]});
  auto s = std::move(*both->open_writer());
  CAF_REQUIRE(s->write({popup_write{"welcome", {}, "{}", noon_ms}}));
  CAF_CHECK_EQUAL(s->load_catalog()->popups.size(), 1u);
  CAF_CHECK_EQUAL(+s->load_catalog()->popups[0].revision, 1u);
  CAF_CHECK(!s->ping());
}

CAF_TEST_FIXTURE_SCOPE_END()
