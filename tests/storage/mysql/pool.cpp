#define CAF_SUITE storage.mysql_pool
#include "storage/mysql/pool.hpp"

#include "tests/storage/mariadb_server.hpp"

#include <caf/test/unit_test.hpp>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

using namespace beckon::storage;
using namespace beckon::storage::test;

namespace {

using lease = mysql::connection_pool::lease;

struct fixture {
  fresh_database database{server_address{shared_server_directory()}.options()};
  store_ptr store = open_or_fail(database.options); // the tables
  beckon::storage::mysql_options options = database.options;

  fixture() {
    options.pool_size = 2;
    options.max_overflow = 1;
    options.pool_timeout_ms = 100;
    options.connect_retry_ms = 100;
    options.connect_retry_max_ms = 400;
  }

  std::unique_ptr<mysql::connection_pool> make() const {
    return std::make_unique<mysql::connection_pool>(
        std::make_shared<const beckon::storage::mysql_options>(options), "primary");
  }
  static uint64_t id(lease& l) { return l->db.id(); }
};

caf::error failure_of(mysql::connection_pool& pool) {
  try {
    pool.take();
    return {};
  } catch (const mysql::failure& e) {
    return e.reason();
  }
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(mysql_pool_tests, fixture)

CAF_TEST(the connection used last is taken first) {
  auto pool = make();
  uint64_t first = 0;
  uint64_t second = 0;
  {
    auto a = pool->take();
    auto b = pool->take();
    CAF_CHECK(a.fresh() && b.fresh());
    first = id(a);
    second = id(b);
  } // b goes back first, then a
  CAF_CHECK_NOT_EQUAL(first, second);
  auto again = pool->take();
  CAF_CHECK(!again.fresh());
  CAF_CHECK_EQUAL(id(again), first);
  auto s = pool->stats();
  CAF_CHECK_EQUAL(s.open, 2u);
  CAF_CHECK_EQUAL(s.idle, 1u);
  CAF_CHECK_EQUAL(s.opened, 2u);
  CAF_CHECK_EQUAL(pool->trouble(), "");
}

CAF_TEST(beyond size and overflow a call waits and is then refused) {
  auto pool = make();
  std::optional<lease> a{pool->take()};
  auto b = pool->take();
  auto c = pool->take();
  CAF_CHECK_EQUAL(pool->stats().open, 3u);
  stopwatch watch;
  auto refused = failure_of(*pool);
  CAF_CHECK(code_of(refused) == errc::unavailable);
  CAF_CHECK(describe(refused).find("mysql.pool-size") != std::string::npos);
  CAF_CHECK_GREATER_OR_EQUAL(watch.ms(), 95);
  CAF_CHECK_EQUAL(pool->stats().timeouts, 1u);
  CAF_CHECK_EQUAL(pool->stats().waits, 1u);
  a.reset();
  CAF_CHECK_EQUAL(pool->stats().open, 2u); // the one beyond the size is closed, whichever it is
  CAF_CHECK(!failure_of(*pool));
}

CAF_TEST(a waiting call gets the returned connection) {
  options.pool_size = 1;
  options.max_overflow = 0;
  options.pool_timeout_ms = 10'000;
  auto pool = make();
  std::optional<lease> taken{pool->take()};
  auto other = std::async(std::launch::async, [&] {
    auto mine = pool->take();
    return id(mine);
  });
  CAF_REQUIRE(comes_true([&] { return pool->stats().waiting == 1; }));
  auto given = id(*taken);
  taken.reset();
  CAF_CHECK_EQUAL(other.get(), given);
  CAF_CHECK_EQUAL(pool->stats().opened, 1u);
}

CAF_TEST(after a failure connecting waits twice as long each time and says why at once) {
  options.database = "no_such_database";
  auto pool = make();
  auto first = failure_of(*pool);
  CAF_CHECK(code_of(first) == errc::bad_options);
  CAF_CHECK_EQUAL(describe(failure_of(*pool)), describe(first)); // within the pause: not tried
  CAF_CHECK_EQUAL(pool->stats().failed, 1u);
  CAF_CHECK_EQUAL(pool->trouble(), describe(first));
  stopwatch watch;
  auto tries = [&](uint64_t n) {
    return comes_true([&] { return failure_of(*pool) && pool->stats().failed >= n; }, 1);
  };
  CAF_REQUIRE(tries(2));
  auto second_ms = watch.ms();
  CAF_REQUIRE(tries(3));
  auto third_ms = watch.ms() - second_ms;
  CAF_CHECK_GREATER_OR_EQUAL(second_ms, 80); // 100 from the first failure on, which is a moment ago
  CAF_CHECK_GREATER_OR_EQUAL(third_ms, 195);
  CAF_CHECK_EQUAL(pool->stats().open, 0u);
}

CAF_TEST(a connection that was distrusted is tried before it is used) {
  auto pool = make();
  uint64_t lost = 0;
  {
    auto a = pool->take();
    lost = id(a);
  }
  database.connect().execute("KILL " + std::to_string(lost));
  pool->distrust();
  auto b = pool->take();
  CAF_CHECK_NOT_EQUAL(id(b), lost);
  b->db.ping();
  CAF_CHECK_EQUAL(pool->stats().open, 1u);
}

CAF_TEST(a connection that was killed while it was idle is replaced without an error) {
  auto killed = open_or_fail(options);
  auto writer = std::move(*killed->open_writer());
  auto reader = std::move(*killed->open_reader());
  auto kill_all = [&] {
    auto admin = database.connect();
    auto own = std::to_string(admin.id());
    while (auto other =
               admin.text("SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> "
                          + own + " LIMIT 1"))
      try {
        admin.execute("KILL " + *other);
      } catch (const mysql::failure&) {
        // It has been killed already and is still listed for a moment.
      }
  };
  CAF_REQUIRE(!writer->ping());
  kill_all();
  CAF_CHECK(!writer->ping());
  kill_all();
  CAF_CHECK(reader->load_catalog_version());
}

CAF_TEST(old connections are replaced and counted) {
  options.recycle_after_ms = 1;
  auto pool = make();
  CAF_CHECK(comes_true([&] { return !failure_of(*pool) && pool->stats().recycled >= 3; }));
  CAF_CHECK_EQUAL(pool->stats().open, 1u);
}

CAF_TEST_FIXTURE_SCOPE_END()
