#define CAF_SUITE storage.mysql_schema
#include "decision/hash.hpp"
#include "storage/mysql/migrations.hpp"
#include "storage/mysql/store.hpp"
#include "tests/storage/job_samples.hpp"
#include "tests/storage/mariadb_server.hpp"

#include <caf/test/unit_test.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace beckon::storage;
using namespace beckon::storage::test;

namespace {

struct fixture {
  fresh_database database{server_address{shared_server_directory()}.options()};

  caf::error open_error() const {
    auto opened = open_mysql(database.options);
    return opened ? caf::error{} : opened.error();
  }

  void check_refused(errc code, const std::string& because) const {
    auto e = open_error();
    CAF_CHECK(code_of(e) == code);
    CAF_MESSAGE(describe(e));
    CAF_CHECK(describe(e).find(because) != std::string::npos);
    CAF_CHECK(describe(e).find("beckon@") != std::string::npos);
  }

  std::string tables() const {
    return database.text("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()");
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(mysql_schema_tests, fixture)

CAF_TEST(programs that start at once migrate once) {
  constexpr int programs = 6;
  std::atomic<int> opened{0};
  // The holder of this lock changes the schema; the others wait until it is free.
  auto turn = database.connect();
  turn.text("SELECT GET_LOCK('beckon-migrate-"
            + std::to_string(beckon::decision::user_hash(database.options.database)) + "', 0)");
  std::vector<std::thread> starting;
  for (int i = 0; i < programs; ++i)
    starting.emplace_back([&] {
      auto store = open_mysql(database.options);
      opened += store && (*store)->open_writer() ? 1 : 0;
    });
  CAF_CHECK(comes_true([&] {
    return turn.text("SELECT COUNT(*) FROM information_schema.processlist "
                     "WHERE db = DATABASE() AND state = 'User lock'")
           == std::to_string(programs);
  }));
  CAF_CHECK_EQUAL(tables(), "0");
  turn.execute("DO RELEASE_ALL_LOCKS()");
  for (auto& t : starting)
    t.join();
  CAF_CHECK_EQUAL(opened.load(), programs);
  CAF_CHECK_EQUAL(database.text("SELECT COUNT(*) FROM beckon_meta"), "1");
  CAF_CHECK_EQUAL(database.text("SELECT schema_version FROM beckon_meta"),
                  std::to_string(beckon::storage::mysql::schema_version()));
}

CAF_TEST(a step that was cut off is done again from its beginning) {
  open_or_fail(database.options);
  auto whole = tables();
  {
    auto writer = std::move(*open_or_fail(database.options)->open_writer());
    CAF_REQUIRE(writer->write({claim("ann", 0)}));
  }
  auto db = database.connect();
  db.execute("UPDATE beckon_meta SET schema_version = 0");
  db.execute("DROP TABLE ping, settings");
  auto reader = std::move(*open_or_fail(database.options)->open_reader());
  CAF_CHECK_EQUAL(tables(), whole);
  CAF_CHECK_EQUAL(state_of(*reader, "ann"), state_bytes(1));
}

CAF_TEST(a database from before the cluster gets its tables and keeps what it has) {
  {
    auto writer = std::move(*open_or_fail(database.options)->open_writer());
    CAF_REQUIRE(writer->write({claim("ann", 0)}));
  }
  auto db = database.connect();
  db.execute("DROP TABLE cl_meta, cl_node, cl_shard, erasure");
  db.execute("UPDATE beckon_meta SET schema_version = 2");
  auto store = open_or_fail(database.options);
  CAF_CHECK_EQUAL(state_of(**store->open_reader(), "ann"), state_bytes(1));
  auto seen = (*store->open_cluster(5000))->look();
  CAF_REQUIRE(seen);
  CAF_CHECK_EQUAL(seen->shards.size(), 256u);
  // Existing data survive a repeated step.
  db.execute("UPDATE cl_shard SET owner = 5, epoch = 6 WHERE shard = 7");
  db.execute("UPDATE cl_meta SET cluster = 'shop'");
  db.execute("DELETE FROM cl_shard WHERE shard = 8");
  db.execute("UPDATE beckon_meta SET schema_version = 2");
  open_or_fail(database.options);
  CAF_CHECK_EQUAL(database.text("SELECT CONCAT(owner, ' ', epoch) FROM cl_shard WHERE shard = 7"), "5 6");
  CAF_CHECK_EQUAL(database.text("SELECT cluster FROM cl_meta"), "shop");
  CAF_CHECK_EQUAL(database.text("SELECT COUNT(*) FROM cl_shard"), "256");
}

CAF_TEST(a database from before the marks of erasures gets their table) {
  {
    auto writer = std::move(*open_or_fail(database.options)->open_writer());
    CAF_REQUIRE(writer->write({event_batch_write{{impression("e-1", noon_ms), impression("e-2", noon_ms)}}}));
  }
  auto db = database.connect();
  db.execute("DROP TABLE erasure");
  db.execute("UPDATE beckon_meta SET schema_version = 3");
  auto writer = std::move(*open_or_fail(database.options)->open_writer());
  CAF_CHECK_EQUAL(event_ids(*writer, {}, 10).size(), 2u);
  auto out = writer->write({user_erase{"ann", 7, {}, noon_ms, 1}});
  CAF_REQUIRE(out);
  CAF_CHECK(out->at(0).more);
  CAF_CHECK(event_ids(*writer, {}, 10).empty());
}

CAF_TEST(a newer schema is refused and left as it is) {
  open_or_fail(database.options);
  database.connect().execute("UPDATE beckon_meta SET schema_version = 99");
  check_refused(errc::schema_newer, "99");
  CAF_CHECK_EQUAL(database.text("SELECT schema_version FROM beckon_meta"), "99");
}

CAF_TEST(tables of other names do not matter) {
  database.connect().execute("CREATE TABLE orders(id INT)");
  CAF_CHECK(!open_error());
}

CAF_TEST(what another product made is refused and left as it is) {
  auto db = database.connect();
  db.execute("CREATE TABLE event(id INT)");
  check_refused(errc::bad_options, "event");
  CAF_CHECK_EQUAL(tables(), "1");
  db.execute("DROP TABLE event");
  db.execute("CREATE TABLE beckon_meta(id INT)");
  check_refused(errc::bad_options, "beckon_meta");
  db.execute("DROP TABLE beckon_meta");
  db.execute("CREATE TABLE beckon_meta(one INT, product TEXT, schema_version INT, catalog_version INT)");
  db.execute("INSERT INTO beckon_meta VALUES(1, 'lighthouse', 1, 0)");
  check_refused(errc::bad_options, "lighthouse");
  CAF_CHECK_EQUAL(tables(), "1");
}

CAF_TEST(a database of users is not taken for another one) {
  auto with_place = [&](uint32_t position, uint32_t databases) {
    auto o = database.options;
    o.place = {position, databases};
    return open_mysql(o);
  };
  auto refused = [&](uint32_t position, uint32_t databases) {
    auto opened = with_place(position, databases);
    return !opened && code_of(opened.error()) == errc::bad_options
           && describe(opened.error()).find("mysql.shards.databases") != std::string::npos;
  };
  CAF_CHECK(with_place(0, 1));
  CAF_CHECK(with_place(1, 2)); // nobody is there yet
  auto store = with_place(0, 2);
  CAF_REQUIRE(store);
  CAF_REQUIRE(std::move(*(*store)->open_writer())->write({claim("ann", 0)}));
  CAF_CHECK(with_place(0, 2));
  CAF_CHECK(refused(1, 2));
  CAF_CHECK(refused(0, 3));
  CAF_CHECK(refused(0, 1)); // the key was forgotten
  CAF_CHECK(refused(2, 2)); // for the catalogue alone
}

CAF_TEST(a database of the catalogue alone is not taken for all users) {
  auto o = database.options;
  o.place = {2, 2};
  auto store = open_mysql(o);
  CAF_REQUIRE(store);
  CAF_REQUIRE(std::move(*(*store)->open_writer())->write({popup_write{"welcome", {}, "{}", noon_ms}}));
  CAF_CHECK(open_mysql(o));
  check_refused(errc::bad_options, "mysql.shards.databases");
}

CAF_TEST(a wrong account and an unknown database are named) {
  database.options.password = "wrong";
  check_refused(errc::bad_options, "password");
  database.options.password = "beckon";
  auto there = database.options.database;
  database.options.database = "nowhere";
  check_refused(errc::bad_options, "nowhere");
  database.options.database = there;
}

CAF_TEST(options out of bounds are refused before anything is tried) {
  auto o = database.options;
  o.read_timeout_ms = 0;
  auto opened = open_mysql(o);
  CAF_CHECK(!opened && code_of(opened.error()) == errc::bad_options);
  o = database.options;
  o.tls.ca = "/etc/hosts";
  opened = open_mysql(o);
  CAF_CHECK(!opened && code_of(opened.error()) == errc::bad_options);
}

CAF_TEST_FIXTURE_SCOPE_END()
