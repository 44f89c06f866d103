#define CAF_SUITE storage.mysql_cluster
#include "storage/mysql/store.hpp"
#include "tests/storage/cluster_samples.hpp"
#include "tests/storage/mariadb_server.hpp"

#include <caf/test/unit_test.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

using namespace beckon::storage;
using namespace beckon::storage::test;

namespace {

/// Where the epoch of a shard is checked in SQL, as the store's transactions do it.
std::string fence_sql(uint16_t shard) {
  return "SELECT owner FROM cl_shard FORCE INDEX(PRIMARY) WHERE shard = " + std::to_string(shard)
         + " LOCK IN SHARE MODE";
}

/// With waits for locks that no test outlives.
beckon::storage::mysql_options patient_options() {
  auto o = server_address{shared_server_directory()}.options();
  o.read_timeout_ms = 40'000;
  return o;
}

struct fixture {
  fresh_database database{patient_options()};
  store_ptr store = open_or_fail(database.options);
  std::unique_ptr<cluster_store> cluster = open(40'000);
  std::unique_ptr<session> writer = of(store->open_writer());
  const std::string ann = user_of(0, 0);
  const uint16_t shard = shard_of(ann);

  std::unique_ptr<cluster_store> open(int64_t timeout_ms) const {
    return of(store->open_cluster(timeout_ms));
  }

  incarnation_id join(const std::string& name) const {
    auto id = of(cluster->join(node_named(name)));
    CAF_REQUIRE(of(cluster->activate(id)));
    return id;
  }

  claim_write claim_as(uint64_t version, fence held) const {
    auto c = claim(ann, version);
    c.held = held;
    return c;
  }

  write_status claimed(uint64_t version, fence held) const {
    return of(writer->write({claim_as(version, held)})).at(0).status;
  }

  bool give(uint64_t owner, uint64_t epoch, uint64_t to) const {
    return of(cluster->assign({{shard, owner, epoch, to}})).size() == 1;
  }

  /// Whether some connection waits for a row lock in this database.
  bool somebody_waits() const {
    return database.text("SELECT COUNT(*) FROM information_schema.innodb_trx t JOIN "
                         "information_schema.processlist p ON p.id = t.trx_mysql_thread_id "
                         "WHERE t.trx_state = 'LOCK WAIT' AND p.db = DATABASE()")
           != "0";
  }

  template <class T>
  static bool waits(std::future<T>& f) {
    return f.wait_for(std::chrono::seconds{0}) != std::future_status::ready;
  }
};

struct own_fixture {
  own_server server{"cluster"};
  fresh_database database{quick(server.address().options())};
  store_ptr store = open_or_fail(database.options);
  std::unique_ptr<cluster_store> cluster = of(store->open_cluster(1000));

  static beckon::storage::mysql_options quick(beckon::storage::mysql_options o) {
    o.connect_timeout_ms = o.read_timeout_ms = o.write_timeout_ms = 1000;
    return o;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(mysql_cluster_tests, fixture)

// -- the fence ------------------------------------------------------------------------------------

CAF_TEST(taking over waits for the writes of the owner and lets none of them follow) {
  auto old_owner = join("a");
  auto new_owner = join("b");
  CAF_REQUIRE(give(0, 0, old_owner));
  CAF_REQUIRE(claimed(0, {old_owner, 1}) == write_status::done);
  // The owner's transaction has passed its fence and hangs at the user's row.
  auto other = database.connect();
  other.execute("START TRANSACTION");
  other.execute("UPDATE user_state SET shard = shard + 1");
  auto writing = std::async(std::launch::async, [&] { return claimed(1, {old_owner, 1}); });
  CAF_REQUIRE(comes_true([&] { return somebody_waits(); }, transactions_shown_every_ms));
  auto taking = std::async(std::launch::async, [&] { return give(old_owner, 1, new_owner); });
  CAF_CHECK(comes_true(
      [&] {
        return database.text("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = "
                             "'LOCK WAIT' AND trx_query LIKE '%cl_shard%FOR UPDATE%'")
               == "1";
      },
      transactions_shown_every_ms));
  CAF_CHECK(waits(taking) && waits(writing));
  other.rollback();
  CAF_CHECK(writing.get() == write_status::done); // before the change of owners
  CAF_CHECK(taking.get());
  CAF_CHECK_EQUAL(state_of(*writer, ann), state_bytes(2));
  CAF_CHECK(claimed(2, {old_owner, 1}) == write_status::fenced);
  CAF_CHECK(claimed(2, {new_owner, 2}) == write_status::done);
}

CAF_TEST(a write that comes during a change of owners is fenced) {
  auto old_owner = join("a");
  CAF_REQUIRE(give(0, 0, old_owner));
  auto taking = database.connect();
  taking.execute("START TRANSACTION");
  taking.execute("UPDATE cl_shard SET owner = owner + 1, epoch = epoch + 1 WHERE shard = "
                 + std::to_string(shard));
  auto writing = std::async(std::launch::async, [&] { return claimed(0, {old_owner, 1}); });
  CAF_REQUIRE(comes_true([&] { return somebody_waits(); }, transactions_shown_every_ms));
  CAF_CHECK(claimed(0, {}) == write_status::done); // names no owner, so it reads nothing there
  taking.commit();
  CAF_CHECK(writing.get() == write_status::fenced);
}

CAF_TEST(the fences of two nodes do not wait for one another) {
  auto a = join("a");
  CAF_REQUIRE(give(0, 0, a));
  auto other = database.connect();
  other.execute("START TRANSACTION");
  other.text(fence_sql(shard));
  CAF_CHECK(claimed(0, {a, 1}) == write_status::done);
}

CAF_TEST(a node that stops in the middle of a transaction does not hold its shards for long) {
  auto o = database.options;
  o.transaction_idle_ms = 1000;
  auto a = join("a");
  auto b = join("b");
  CAF_REQUIRE(give(0, 0, a));
  stopwatch watch;
  beckon::storage::mysql::connection stopped{o};
  stopped.execute("START TRANSACTION");
  stopped.text(fence_sql(shard));
  stopped.execute("INSERT INTO user_state VALUES('ann', 0, 1, 0, 'x')");
  auto impatient = open(1000);
  CAF_CHECK(comes_true([&] {
    auto given = impatient->assign({{shard, a, 1, b}});
    return given && given->size() == 1;
  }));
  CAF_MESSAGE("taken over after " << watch.ms() << " ms");
  CAF_CHECK_GREATER_OR_EQUAL(watch.ms(), 1000); // it did hold them
  CAF_CHECK_LESS(watch.ms(), 6000);
  bool committed = true;
  try {
    stopped.commit();
  } catch (const beckon::storage::mysql::failure& e) {
    committed = false;
    CAF_CHECK(e.then() == beckon::storage::mysql::consequence::lost);
  }
  CAF_CHECK(!committed);
  CAF_CHECK(state_of(*writer, "ann").empty());
}

// -- the tables -----------------------------------------------------------------------------------

CAF_TEST(a heartbeat does not wait for changes of members) {
  auto a = join("a");
  auto other = database.connect();
  other.execute("START TRANSACTION");
  other.text("SELECT cluster FROM cl_meta FOR UPDATE");
  auto quick = open(2000);
  CAF_CHECK(quick->beat({a, 10'000, {}}));
  CAF_CHECK(quick->look());
  stopwatch watch;
  auto joined = quick->join(node_named("b"));
  CAF_CHECK(failure_of(joined) == errc::unavailable);
  CAF_CHECK_LESS(watch.ms(), 7000);
  other.rollback();
  CAF_CHECK(quick->join(node_named("b")));
}

CAF_TEST(a node cannot renew its lease while it is declared dead) {
  auto a = join("a");
  auto late = of(cluster->join(node_named("late", 1)));
  auto other = database.connect();
  other.execute("START TRANSACTION");
  other.text("SELECT COUNT(*) FROM (SELECT 1 FROM cl_node FOR UPDATE) AS locked");
  auto beating = std::async(std::launch::async, [&] { return open(40'000)->beat({late, 10'000, {}}); });
  CAF_REQUIRE(comes_true([&] { return somebody_waits(); }, transactions_shown_every_ms));
  other.execute("UPDATE cl_node SET state = 3 WHERE incarnation = " + std::to_string(late));
  other.commit();
  auto seen = of(beating.get());
  CAF_REQUIRE_EQUAL(seen.nodes.size(), 2u);
  CAF_CHECK(seen.nodes[1].state == node_state::dead);
  CAF_CHECK_EQUAL(seen.nodes[1].lease_until_ms, seen.nodes[1].heartbeat_ms + 1);
  CAF_CHECK(seen.nodes[0].incarnation == a);
}

CAF_TEST(a burial waits for a lease that is being renewed) {
  auto a = join("a");
  auto late = of(cluster->join(node_named("late", 1)));
  auto renewing = database.connect();
  renewing.execute("START TRANSACTION");
  renewing.execute("UPDATE cl_node SET lease_until = lease_until + 600000 WHERE incarnation = "
                   + std::to_string(late));
  auto burying = std::async(std::launch::async, [&] { return cluster->bury({late}, {a}); });
  CAF_REQUIRE(comes_true([&] { return somebody_waits(); }, transactions_shown_every_ms));
  renewing.commit();
  CAF_CHECK(of(burying.get()).empty());
}

CAF_TEST(the clock is that of the server whatever its time zone) {
  auto o = database.options;
  auto admin = database.connect();
  auto zone = *admin.text("SELECT @@GLOBAL.time_zone");
  admin.execute("SET GLOBAL time_zone = '+09:00'");
  auto there = of(open_or_fail(o)->open_cluster(5000));
  auto now = of(there->look()).now_ms;
  auto expected = std::stoll(*admin.text("SELECT UNIX_TIMESTAMP()")) * 1000;
  admin.execute("SET GLOBAL time_zone = '" + zone + "'");
  CAF_CHECK_LESS(std::abs(now - expected), 5000);
}

CAF_TEST(missing rows are reported) {
  database.connect().execute("DELETE FROM cl_shard WHERE shard = 17");
  auto seen = cluster->look();
  CAF_CHECK(failure_of(seen) == errc::corrupt);
  database.connect().execute("DELETE FROM cl_meta");
  CAF_CHECK(failure_of(cluster->join(node_named("a"))) == errc::corrupt);
}

CAF_TEST(a time - out out of bounds is refused) {
  CAF_CHECK(failure_of(store->open_cluster(0)) == errc::bad_options);
  CAF_CHECK(failure_of(store->open_cluster(600'001)) == errc::bad_options);
  auto o = database.options;
  o.transaction_idle_ms = 999;
  CAF_CHECK(failure_of(open_mysql(o)) == errc::bad_options);
}

CAF_TEST_FIXTURE_SCOPE_END()

// -- a server that goes ---------------------------------------------------------------------------

CAF_TEST_FIXTURE_SCOPE(mysql_cluster_server_tests, own_fixture)

CAF_TEST(no incarnation is given twice over a restart) {
  auto a = of(cluster->join(node_named("a")));
  auto b = of(cluster->join(node_named("b")));
  CAF_CHECK_GREATER(b, a);
  CAF_CHECK(!cluster->leave(b));
  server.command("kill");
  auto seen = cluster->look();
  CAF_CHECK(failure_of(seen) == errc::unavailable);
  server.command("restart");
  auto c = cluster->join(node_named("c")); // by itself, with a new connection
  CAF_REQUIRE(c);
  CAF_CHECK_GREATER(*c, b);
  CAF_CHECK(!cluster->leave(*c));
  server.command("stop");
  server.command("restart");
  CAF_CHECK_GREATER(of(cluster->join(node_named("d"))), *c);
}

CAF_TEST(a server that hangs costs no more than the time - outs) {
  auto a = of(cluster->join(node_named("a")));
  server.command("pause");
  for (int i = 0; i < 2; ++i) {
    stopwatch watch;
    auto renewed = cluster->beat({a, 10'000, {}});
    CAF_CHECK(failure_of(renewed) == errc::unavailable);
    CAF_CHECK_LESS(watch.ms(), 3500);
  }
  server.command("resume");
  CAF_CHECK(comes_true([&] { return static_cast<bool>(cluster->beat({a, 10'000, {}})); }));
}

CAF_TEST_FIXTURE_SCOPE_END()
