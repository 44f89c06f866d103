#define CAF_SUITE storage.mysql_faults
#include "storage/mysql/store.hpp"
#include "tests/storage/commit_cutter.hpp"
#include "tests/storage/job_samples.hpp"
#include "tests/storage/mariadb_server.hpp"

#include <caf/test/unit_test.hpp>

#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace beckon::storage;
using namespace beckon::storage::test;

namespace {

/// A server for this suite only, because tests stop and pause it.
own_server& server() {
  static own_server s{"faults"};
  return s;
}

beckon::storage::mysql_options quick_options() {
  auto o = server().address().options();
  o.connect_timeout_ms = 1000;
  o.read_timeout_ms = 1000;
  o.write_timeout_ms = 1000;
  o.connect_retry_ms = o.connect_retry_max_ms = 1; // so that each call tries
  return o;
}

struct fixture {
  fresh_database database{quick_options()};
  store_ptr store = open_or_fail(database.options);
  std::unique_ptr<session> writer = std::move(*store->open_writer());
  std::unique_ptr<session> reader = std::move(*store->open_reader());

  template <class T>
  static void check_failed(const caf::expected<T>& result, errc code) {
    CAF_REQUIRE(!result);
    CAF_MESSAGE(describe(result.error()));
    CAF_CHECK_EQUAL(to_string(code_of(result.error())), to_string(code));
  }

  void check_unavailable(uint64_t version) {
    check_failed(writer->write({claim("ann", version)}), errc::unavailable);
    check_failed(reader->load_users({"ann"}), errc::unavailable);
    check_failed(reader->load_catalog(), errc::unavailable);
    CAF_CHECK(code_of(writer->ping()) == errc::unavailable);
    CAF_CHECK(code_of(reader->ping()) == errc::unavailable);
  }

  /// By itself: a probe that was under way when the server came back may have to end first.
  void check_works(uint64_t version) {
    CAF_CHECK(comes_true([&] { return !writer->ping(); }));
    CAF_CHECK(!reader->ping());
    auto outcomes = writer->write({claim("ann", version)});
    CAF_REQUIRE(outcomes);
    CAF_CHECK(outcomes->at(0).status == write_status::done);
    CAF_CHECK_EQUAL(state_of(*reader, "ann"), state_bytes(version + 1));
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(mysql_fault_tests, fixture)

CAF_TEST(a stopped server is unavailable and a restarted one works by itself) {
  check_works(0);
  server().command("kill");
  check_unavailable(1);
  auto opened = open_mysql(database.options);
  CAF_CHECK(!opened && code_of(opened.error()) == errc::unavailable);
  server().command("restart");
  check_works(1);
  server().command("stop");
  check_unavailable(2);
  server().command("restart");
  check_works(2);
}

CAF_TEST(a server that hangs costs no more than the time - outs) {
  check_works(0);
  server().command("pause");
  stopwatch watch;
  check_unavailable(1);
  auto took_ms = watch.ms();
  server().command("resume");
  CAF_MESSAGE("five calls took " << took_ms << " ms");
  CAF_CHECK_LESS(took_ms, 5 * 2500);
  check_works(1);
}

CAF_TEST(a full server is reported with the name of its setting) {
  check_works(0);
  auto admin = database.connect();
  auto most = *admin.text("SELECT @@max_connections");
  admin.execute("SET GLOBAL max_connections = 10");
  std::vector<mysql::connection> others;
  caf::error refused;
  for (int i = 0; i < 20 && !refused; ++i) {
    try {
      others.emplace_back(database.options);
    } catch (const mysql::failure& e) {
      refused = e.reason();
    }
  }
  CAF_CHECK(code_of(refused) == errc::unavailable);
  CAF_MESSAGE(describe(refused));
  CAF_CHECK(describe(refused).find("max_connections") != std::string::npos);
  check_failed(open_mysql(database.options), errc::unavailable);
  check_works(1); // who is in stays in
  others.clear();
  CAF_CHECK(comes_true([&] { return static_cast<bool>(open_mysql(database.options)); }));
  admin.execute("SET GLOBAL max_connections = " + most);
}

CAF_TEST(a connection killed inside a transaction changes nothing) {
  check_works(0);
  auto other = database.connect();
  other.execute("START TRANSACTION");
  other.execute("INSERT INTO user_state VALUES('bob', 0, 1, 0, 'other')");
  auto ours = std::async(std::launch::async, [&] {
    return writer->write({claim("ann", 1), claim("bob", 0)});
  });
  auto admin = database.connect();
  std::optional<std::string> waiting;
  CAF_REQUIRE(comes_true(
      [&] {
        waiting = admin.text("SELECT trx_mysql_thread_id FROM information_schema.innodb_trx "
                             "WHERE trx_state = 'LOCK WAIT'");
        return waiting.has_value();
      },
      transactions_shown_every_ms));
  admin.execute("KILL " + *waiting);
  check_failed(ours.get(), errc::unavailable);
  other.rollback();
  check_works(1);
  CAF_CHECK(state_of(*reader, "bob").empty());
}

CAF_TEST(a connection that breaks at COMMIT leaves the outcome unknown) {
  using cut = commit_cutter::cut;
  commit_cutter proxy{server().address().port};
  auto through = database.options;
  through.socket.clear();
  through.port = proxy.port();
  auto direct = std::move(writer);
  writer = std::move(*open_or_fail(through)->open_writer());
  check_works(0);
  proxy.at_next_commit(cut::before);
  check_failed(writer->write({claim("ann", 1)}), errc::unknown_outcome);
  CAF_CHECK_EQUAL(state_of(*reader, "ann"), state_bytes(1));
  check_works(1);
  proxy.at_next_commit(cut::after);
  check_failed(writer->write({claim("ann", 2)}), errc::unknown_outcome);
  CAF_CHECK_EQUAL(state_of(*reader, "ann"), state_bytes(3));
  check_works(3);
  proxy.at_next_commit(cut::swallow);
  stopwatch watch;
  check_failed(writer->write({claim("ann", 4)}), errc::unknown_outcome);
  CAF_CHECK_LESS(watch.ms(), 3000);
  CAF_CHECK_EQUAL(state_of(*reader, "ann"), state_bytes(4));
  writer = std::move(direct); // before the proxy goes
  check_works(4);
}

CAF_TEST(an idle connection that is gone is replaced before it is used) {
  database.options.ping_after_idle_ms = 0;
  store = open_or_fail(database.options);
  writer = std::move(*store->open_writer());
  reader = std::move(*store->open_reader());
  check_works(0);
  server().command("restart");
  check_works(1);
}

CAF_TEST(a connection is replaced when it is old) {
  auto made = [&] {
    return std::stoll(database.text("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS "
                                    "WHERE VARIABLE_NAME = 'CONNECTIONS'"));
  };
  database.options.recycle_after_ms = 1;
  auto old = std::move(*open_or_fail(database.options)->open_reader());
  auto before = made();
  auto calls = [&] { return old->load_catalog_version() && made() >= before + 20; };
  CAF_CHECK(comes_true(calls));
}

CAF_TEST(a server that takes no writes is unavailable for writing alone) {
  check_works(0);
  // Our account may write all the same, as administrators may.
  auto root = server().address().options();
  root.user = "root";
  root.password.clear();
  beckon::storage::mysql::connection admin{root};
  admin.execute("CREATE USER IF NOT EXISTS plain@localhost IDENTIFIED BY 'plain'");
  admin.execute("GRANT ALL ON " + database.options.database + ".* TO plain@localhost");
  database.options.user = database.options.password = "plain";
  writer = std::move(*open_or_fail(database.options)->open_writer());
  admin.execute("SET GLOBAL read_only = 1");
  check_failed(writer->write({claim("ann", 1)}), errc::unavailable);
  CAF_CHECK(code_of(writer->ping()) == errc::unavailable);
  CAF_CHECK(!reader->ping());
  admin.execute("SET GLOBAL read_only = 0");
  check_works(1);
  database.options.user = database.options.password = "beckon";
}

CAF_TEST(a server that may forget is warned about) {
  CAF_CHECK_EQUAL(store->warning(), "");
  auto admin = database.connect();
  admin.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 2");
  auto careless = open_or_fail(database.options)->warning();
  admin.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 1");
  CAF_CHECK(careless.find("innodb_flush_log_at_trx_commit = 1") != std::string::npos);
}

CAF_TEST(missing tables are reported) {
  database.connect().execute("DROP TABLE stat_user");
  check_failed(writer->write({claim("ann", 0)}), errc::corrupt);
  CAF_CHECK(state_of(*reader, "ann").empty());
}

// -- TLS ------------------------------------------------------------------------------------------

CAF_TEST(a connection by TLS needs a server that proves its identity) {
  auto o = database.options;
  o.socket.clear();
  o.tls.required = true;
  o.tls.ca = server().file("ca.pem");
  CAF_CHECK(mysql::connection{o}.text("SHOW SESSION STATUS LIKE 'Ssl_version'").has_value());
  auto opened = open_mysql(o);
  if (!opened)
    CAF_FAIL(describe(opened.error()));
  o.tls.ca = server().file("key.pem"); // no authority at all
  check_failed(open_mysql(o), errc::bad_options);
  o.tls.ca.clear(); // the system's, which did not sign it
  check_failed(open_mysql(o), errc::bad_options);
  o.tls.verify = false;
  CAF_CHECK(open_mysql(o));
}

CAF_TEST(a server without TLS is refused when TLS is required) {
  auto o = server_address{shared_server_directory()}.options();
  o.socket.clear();
  o.tls.required = true;
  o.tls.verify = false;
  check_failed(open_mysql(o), errc::bad_options);
}

CAF_TEST_FIXTURE_SCOPE_END()
