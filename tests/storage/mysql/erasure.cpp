#define CAF_SUITE storage.mysql_erasure
#include "storage/mysql/store.hpp"
#include "tests/storage/job_samples.hpp"
#include "tests/storage/mariadb_server.hpp"

#include <caf/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

// An erasure while others store events of the same user, each on a connection of its own.

using namespace beckon::storage;
using namespace beckon::storage::test;

namespace {

template <class Condition>
bool in_time(Condition c) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!c()) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{150});
  }
  return true;
}

} // namespace

CAF_TEST(an event that has its number and is not committed is before the mark with its count) {
  fresh_database database{server_address{shared_server_directory()}.options()};
  database.options.read_timeout_ms = 20000;
  auto store = open_or_fail(database.options);
  auto writer = std::move(*store->open_writer());
  CAF_REQUIRE(writer->write({event_batch_write{
      {impression("e-1", noon_ms), impression("e-2", noon_ms), impression("a-1", noon_ms, "aaa")}}}));
  // The group counts aaa before ann, and waits there with the events of both in place.
  auto blocker = database.connect();
  blocker.execute("START TRANSACTION");
  blocker.text("SELECT n FROM stat_user WHERE user = 'aaa' FOR UPDATE");
  std::thread late{[&] {
    auto other = std::move(*store->open_writer());
    (void)other->write(
        {event_batch_write{{impression("e-3", noon_ms + 1), impression("a-2", noon_ms, "aaa")}}});
  }};
  auto waiting = [&](const char* n) {
    return database.text("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'")
           == n;
  };
  CAF_CHECK(in_time([&] { return waiting("1"); }));
  CAF_REQUIRE(writer->write({event_batch_write{{impression("b-1", noon_ms, "bob")}}}));
  std::atomic<bool> erased{false};
  std::thread erasing{[&] {
    auto other = std::move(*store->open_writer());
    (void)other->write({user_erase{"ann", 7, {}, noon_ms, 1}});
    erased = true;
  }};
  CAF_CHECK(in_time([&] { return erased || waiting("2"); }));
  blocker.execute("COMMIT");
  late.join();
  erasing.join();
  CAF_CHECK_EQUAL(event_ids(*writer, {}, 10).size(), 3u);
  CAF_CHECK_EQUAL(stats_text(*writer, "welcome"), "impression a 3/2 ");
}
