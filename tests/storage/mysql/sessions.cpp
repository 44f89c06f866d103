#define CAF_SUITE storage.mysql_sessions
#include "storage/mysql/store.hpp"
#include "tests/storage/job_samples.hpp"
#include "tests/storage/mariadb_server.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace beckon::storage;
using namespace beckon::storage::test;
using type = beckon::decision::event_type;

namespace {

struct fixture {
  fresh_database database{server_address{shared_server_directory()}.options()};
  store_ptr store = open_or_fail(database.options);

  std::unique_ptr<session> open_writer() const { return std::move(*store->open_writer()); }
  std::unique_ptr<session> open_writer(const beckon::storage::mysql_options& o) const {
    return std::move(*open_or_fail(o)->open_writer());
  }

  /// Whether some connection waits for a row lock in this database.
  bool somebody_waits() const {
    return database.text("SELECT COUNT(*) FROM information_schema.innodb_trx t JOIN "
                         "information_schema.processlist p ON p.id = t.trx_mysql_thread_id "
                         "WHERE t.trx_state = 'LOCK WAIT' AND p.db = DATABASE()")
           != "0";
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(mysql_session_tests, fixture)

CAF_TEST(writers that meet at the same users lose nothing) {
  constexpr int threads = 4;
  constexpr int rounds = 25;
  const std::vector<std::string> users{"ann", "bob", "cyd", "dan", "eve", "fay"};
  std::atomic<int> done{0};
  std::atomic<int> errors{0};
  std::vector<std::thread> writing;
  for (int t = 0; t < threads; ++t)
    writing.emplace_back([&, t] {
      auto writer = open_writer();
      for (int round = 0; round < rounds; ++round) {
        // All claim the version they see; the event ids are the same in all threads.
        auto rows = writer->load_users(users);
        std::vector<write_job> jobs;
        event_batch_write batch;
        for (size_t i = 0; rows && i < users.size(); ++i) {
          auto stored = beckon::decision::decode_user_state(rows->at(i).state);
          jobs.emplace_back(claim(users[i], stored ? stored->version : 0));
          batch.events.push_back(event("e-" + std::to_string(round) + users[i], type::impression, users[i]));
        }
        if (t % 2 == 1)
          std::reverse(batch.events.begin(), batch.events.end());
        jobs.emplace_back(batch);
        auto outcomes = writer->write(jobs);
        if (!outcomes) {
          ++errors;
          CAF_MESSAGE(describe(outcomes.error()));
          continue;
        }
        for (size_t i = 0; i < users.size(); ++i)
          done += outcomes->at(i).status == write_status::done ? 1 : 0;
      }
    });
  for (auto& w : writing)
    w.join();
  auto reader = open_writer();
  auto rows = reader->load_users(users);
  CAF_REQUIRE(rows);
  uint64_t versions = 0;
  for (const auto& row : *rows)
    versions += beckon::decision::decode_user_state(row.state)->version;
  CAF_CHECK_EQUAL(errors.load(), 0);
  CAF_CHECK_EQUAL(versions, static_cast<uint64_t>(done));
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "impression a " + std::to_string(rounds * users.size())
                                                      + "/6 show a " + std::to_string(done) + "/6 ");
  CAF_CHECK_EQUAL(event_ids(*reader, {}, 100).size(), rounds * users.size());
}

CAF_TEST(identifiers are the same only byte by byte) {
  // "ä" once as one character and once as two.
  const std::vector<std::string> ids{"ann",
                                     "Ann",
                                     "ANN",
                                     "ann ",
                                     " ann",
                                     "ann  ",
                                     "\xc3\xa4nn",
                                     "a\xcc\x88nn",
                                     "ann\t",
                                     std::string("ann\0", 4),
                                     "\xf0\x9f\x98\x80",
                                     std::string(128, 'x'),
                                     std::string(127, 'x'),
                                     "a'; DROP TABLE event; --",
                                     "%"};
  auto writer = open_writer();
  std::vector<write_job> jobs;
  event_batch_write batch;
  for (const auto& id : ids) {
    auto c = claim_with_answer(id, 0, {id, noon_ms, id});
    c.shown = {{id, "a"}};
    jobs.emplace_back(c);
    jobs.emplace_back(profile_write{0, id, "{\"id\":\"" + id + "\"}", noon_ms});
    jobs.emplace_back(popup_write{id, 0, "{}", noon_ms});
    batch.events.push_back(impression(id, noon_ms, id, id));
  }
  jobs.emplace_back(batch);
  auto outcomes = writer->write(jobs);
  if (!outcomes)
    CAF_FAIL(describe(outcomes.error()));
  for (const auto& o : *outcomes)
    CAF_CHECK(o.status == write_status::done && o.duplicates == 0);
  for (const auto& id : ids) {
    CAF_CHECK_EQUAL(attributes_of(*writer, id), "{\"id\":\"" + id + "\"}");
    auto answer = writer->load_answer(id, id, 0)->value_or("none");
    CAF_CHECK_EQUAL(answer, id);
    CAF_CHECK_EQUAL(stats_text(*writer, id), "impression a 1/1 show a 1/1 ");
    event_filter f;
    f.user = id;
    CAF_CHECK_EQUAL(event_ids(*writer, f, 2), std::vector<std::string>{id});
  }
  auto listed = event_ids(*writer, {}, 3);
  CAF_CHECK(
      (std::set<std::string>(listed.begin(), listed.end()) == std::set<std::string>(ids.begin(), ids.end())));
  CAF_CHECK_EQUAL(writer->load_catalog()->popups.size(), ids.size());
}

CAF_TEST(a value beyond the limits is rejected and the group with it) {
  auto writer = open_writer();
  std::vector<write_job> too_much{
      profile_write{0, "ann", std::string(20'000'000, ' '), noon_ms}, // more than max_allowed_packet
      profile_write{0, std::string(300, 'x'), "{}", noon_ms},         // longer than its column
      profile_write{0, "ann", "{\"\xff\"}", noon_ms},                 // no UTF-8
  };
  for (auto& job : too_much) {
    auto outcomes = writer->write({claim("bob", 0), job});
    CAF_REQUIRE(!outcomes);
    CAF_MESSAGE(describe(outcomes.error()));
    CAF_CHECK(code_of(outcomes.error()) == errc::rejected);
    CAF_CHECK(state_of(*writer, "bob").empty());
  }
  CAF_CHECK(writer->write({claim("bob", 0), profile_write{0, "ann", std::string(3'000'000, ' '), noon_ms}}));
  CAF_CHECK_EQUAL(attributes_of(*writer, "ann").size(), 3'000'000u);
}

CAF_TEST(a group much larger than a statement goes through) {
  auto writer = open_writer();
  std::vector<write_job> jobs;
  for (int i = 0; i < 30; ++i)
    jobs.emplace_back(profile_write{0, "user-" + std::to_string(i), std::string(900'000, 'x'), noon_ms});
  CAF_REQUIRE(writer->write(jobs));
  CAF_CHECK_EQUAL(attributes_of(*writer, "user-29").size(), 900'000u);
}

CAF_TEST(erasing takes more rows than one statement erases) {
  auto writer = open_writer();
  event_batch_write batch;
  for (int i = 0; i < 2500; ++i)
    batch.events.push_back(impression("e-" + std::to_string(i), noon_ms, i % 5 == 0 ? "bob" : "ann"));
  CAF_REQUIRE(writer->write({batch}));
  CAF_CHECK(writer->write({user_erase{"ann"}})->at(0).status == write_status::done);
  CAF_CHECK_EQUAL(event_ids(*writer, {}, 100).size(), 500u);
  CAF_CHECK_EQUAL(stats_text(*writer, "welcome"), "impression a 500/1 ");
}

// -- other transactions in the way ----------------------------------------------------------------

namespace {

/// A group that locks ann, then bob, and a transaction that holds bob, and then asks for ann: the server ends
/// the one that has changed less, which is ours.
caf::error meet_in_deadlock(const fixture& f, session& writer) {
  auto other = f.database.connect();
  other.execute("START TRANSACTION");
  for (int i = 0; i < 200; ++i)
    other.execute("INSERT INTO stat_user VALUES('x', 'x', 'x', 0, " + std::to_string(i)
                  + ") ON DUPLICATE KEY UPDATE n = n + 1");
  other.execute("UPDATE user_state SET shard = shard + 1 WHERE user = 'bob'");
  auto ours = std::async(std::launch::async, [&] {
    return writer.write({claim("bob", 1), claim("ann", 1)});
  });
  CAF_REQUIRE(comes_true([&] { return f.somebody_waits(); }, transactions_shown_every_ms));
  other.execute("UPDATE user_state SET shard = shard + 1 WHERE user = 'ann'");
  other.commit();
  auto outcomes = ours.get();
  if (!outcomes)
    return outcomes.error();
  for (const auto& o : *outcomes)
    CAF_CHECK(o.status == write_status::done);
  return {};
}

} // namespace

CAF_TEST(a transaction that a deadlock ended is run again) {
  auto writer = open_writer();
  CAF_REQUIRE(writer->write({claim("ann", 0), claim("bob", 0)}));
  CAF_CHECK(!meet_in_deadlock(*this, *writer));
  CAF_CHECK_EQUAL(state_of(*writer, "ann"), state_bytes(2));
  CAF_CHECK_EQUAL(stats_text(*writer, "welcome"), "show a 4/2 ");
}

CAF_TEST(without retries a deadlock is unavailable and changes nothing) {
  database.options.retries_max = 0;
  auto writer = open_writer(database.options);
  CAF_REQUIRE(writer->write({claim("ann", 0), claim("bob", 0)}));
  auto e = meet_in_deadlock(*this, *writer);
  CAF_CHECK(code_of(e) == errc::unavailable);
  CAF_CHECK(describe(e).find("1213") != std::string::npos);
  CAF_CHECK_EQUAL(state_of(*writer, "ann"), state_bytes(1));
  CAF_CHECK(writer->write({claim("ann", 1)}));
}

CAF_TEST(a lock that is not given back makes the store unavailable in time) {
  database.options.read_timeout_ms = 2000;
  auto writer = open_writer(database.options);
  CAF_REQUIRE(writer->write({claim("ann", 0)}));
  auto other = database.connect();
  other.execute("START TRANSACTION");
  other.execute("UPDATE user_state SET shard = shard + 1 WHERE user = 'ann'");
  stopwatch watch;
  auto outcomes = writer->write({claim("ann", 1)});
  CAF_REQUIRE(!outcomes);
  CAF_CHECK(code_of(outcomes.error()) == errc::unavailable);
  CAF_CHECK_LESS(watch.ms(), 6000);
  other.rollback();
  CAF_CHECK(writer->write({claim("ann", 1)}));
}

CAF_TEST(a new user that another writer stores meanwhile is a conflict) {
  auto writer = open_writer();
  auto other = database.connect();
  other.execute("START TRANSACTION");
  // Ours looks for the user first, and then has to wait for the fate of this event.
  other.execute("INSERT INTO event VALUES(1, 'e-1', 0, 0, 0, '', 'x', '', '', '', '')");
  auto ours = std::async(std::launch::async, [&] {
    return writer->write(
        {claim("ann", 0), claim("bob", 0), event_batch_write{{event("e-1", type::impression)}}});
  });
  CAF_REQUIRE(comes_true([&] { return somebody_waits(); }, transactions_shown_every_ms));
  other.execute("INSERT INTO user_state VALUES('ann', 0, 7, 0, 'other')");
  other.commit();
  auto outcomes = ours.get();
  CAF_REQUIRE(outcomes);
  CAF_CHECK(outcomes->at(0).status == write_status::conflict);
  CAF_CHECK(outcomes->at(1).status == write_status::done);
  CAF_CHECK_EQUAL(outcomes->at(2).duplicates, 1u);
  CAF_CHECK_EQUAL(state_of(*writer, "ann"), "other");
  CAF_CHECK_EQUAL(stats_text(*writer, "welcome"), "show a 1/1 ");
}

CAF_TEST_FIXTURE_SCOPE_END()
