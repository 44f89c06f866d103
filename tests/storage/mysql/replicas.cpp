#define CAF_SUITE storage.mysql_replicas
#include "storage/mysql/connection.hpp"
#include "storage/mysql/store.hpp"
#include "tests/storage/job_samples.hpp"
#include "tests/storage/mariadb_server.hpp"

#include <caf/test/unit_test.hpp>

#include <memory>
#include <string>

using namespace beckon::storage;
using namespace beckon::storage::test;
using type = beckon::decision::event_type;

namespace {

/// Two servers of the suite, the second of which copies the first.
own_server& primary_server() {
  static own_server s{"primary", "--log-bin --server-id=1 --sync-binlog=1"};
  return s;
}

beckon::storage::mysql_options root_of(const own_server& s) {
  auto o = s.address().options();
  o.user = "root";
  o.password.clear();
  return o;
}

own_server& replica_server() {
  static own_server s{"replica", "--server-id=2"};
  static const bool copying = [] {
    mysql::connection db{root_of(s)};
    db.execute("STOP SLAVE"); // of an earlier run on the same directory
    db.execute("CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = "
               + std::to_string(primary_server().address().port)
               + ", MASTER_USER = 'beckon', MASTER_PASSWORD = 'beckon', MASTER_USE_GTID = slave_pos");
    db.execute("START SLAVE");
    return true;
  }();
  static_cast<void>(copying);
  return s;
}

beckon::storage::mysql_options with_replica(beckon::storage::mysql_options o) {
  o.replicas = {{"127.0.0.1", replica_server().address().port}};
  o.replica_staleness_ms = 1000;
  o.replica_check_ms = 50;
  o.connect_retry_max_ms = 200;
  return o;
}

struct fixture {
  fresh_database database{with_replica(primary_server().address().options())};
  store_ptr store = open_or_fail(database.options);
  std::unique_ptr<session> writer = std::move(*store->open_writer());
  std::unique_ptr<session> reader = std::move(*store->open_reader());

  replica_stats replica() const { return store->stats().replicas.at(0); }
  bool becomes_used(bool used) const {
    return comes_true([&] { return replica().used == used; });
  }
  static void at_replica(const std::string& sql) {
    mysql::connection{root_of(replica_server())}.execute(sql);
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(mysql_replica_tests, fixture)

CAF_TEST(lists and statistics come from a replica that is fresh enough) {
  CAF_REQUIRE(becomes_used(true));
  CAF_REQUIRE(writer->write({event_batch_write{{event("e-1", type::impression)}}}));
  CAF_CHECK(comes_true([&] { return event_ids(*reader, {}, 10).size() == 1; }));
  CAF_CHECK(comes_true([&] { return stats_text(*reader, "welcome") == "impression a 1/1 "; }));
  CAF_CHECK_GREATER_OR_EQUAL(replica().reads, 2u);
  CAF_CHECK_LESS(replica().staleness_ms, 1000);
  CAF_CHECK_EQUAL(store->stats().pools.size(), 2u);
  CAF_CHECK_EQUAL(store->warning(), "");
}

CAF_TEST(what a user wrote is read from the primary) {
  CAF_REQUIRE(becomes_used(true));
  at_replica("STOP SLAVE SQL_THREAD");
  auto before = replica().reads;
  CAF_REQUIRE(writer->write({claim("ann", 0), event_batch_write{{event("e-1", type::impression)}}}));
  CAF_CHECK_EQUAL(state_of(*reader, "ann"), state_bytes(1));
  event_filter own;
  own.user = "ann";
  CAF_CHECK_EQUAL(event_ids(*reader, own, 10).size(), 1u);
  CAF_CHECK_EQUAL(replica().reads, before);
  at_replica("START SLAVE SQL_THREAD");
}

CAF_TEST(a replica that falls behind is left out until it has caught up) {
  CAF_REQUIRE(becomes_used(true));
  at_replica("STOP SLAVE SQL_THREAD");
  CAF_REQUIRE(becomes_used(false));
  CAF_CHECK_GREATER(replica().staleness_ms, 1000);
  CAF_MESSAGE(store->warning());
  CAF_CHECK(store->warning().find("replica 127.0.0.1:") != std::string::npos);
  CAF_REQUIRE(writer->write({event_batch_write{{event("e-1", type::impression)}}}));
  CAF_CHECK_EQUAL(event_ids(*reader, {}, 10).size(), 1u); // at once, from the primary
  at_replica("START SLAVE SQL_THREAD");
  CAF_CHECK(becomes_used(true));
  // Data younger than the bound may still be missing there.
  CAF_CHECK(comes_true([&] { return event_ids(*reader, {}, 10).size() == 1; }));
}

CAF_TEST(a replica that is gone costs no read) {
  CAF_REQUIRE(becomes_used(true));
  CAF_REQUIRE(writer->write({event_batch_write{{event("e-1", type::impression)}}}));
  replica_server().command("kill");
  for (int i = 0; i < 20; ++i)
    CAF_CHECK_EQUAL(event_ids(*reader, {}, 10).size(), 1u);
  CAF_CHECK(becomes_used(false));
  replica_server().command("restart");
  CAF_CHECK(becomes_used(true));
}

CAF_TEST_FIXTURE_SCOPE_END()
