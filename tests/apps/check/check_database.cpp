#define CAF_SUITE apps.check_database
#include "apps/beckon/check/check_database.hpp"

#include <caf/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace beckon;
using namespace beckon::apps;

namespace {

config::configuration with(std::vector<std::string> words) {
  words.push_back("--storage.backend=mysql");
  auto cfg = config::read({"", {}, words});
  if (!cfg)
    CAF_FAIL(config::describe(cfg.error()));
  return *cfg;
}

storage::mysql_facts sound() {
  storage::mysql_facts f;
  f.database = "db";
  f.connections_max = 151;
  return f;
}

std::vector<std::string> warnings(const storage::mysql_facts& facts,
                                  const std::vector<std::string>& words = {}, int64_t databases = 1) {
  check_report out{nullptr};
  check_server(with(words), facts, {databases, true}, out);
  CAF_CHECK(!out.failed());
  std::vector<std::string> result;
  for (const auto& line : out.lines())
    if (line.what == verdict::warn)
      result.push_back(line.text);
  return result;
}

std::string only_warning(const storage::mysql_facts& facts, const std::vector<std::string>& words = {},
                         int64_t databases = 1) {
  auto found = warnings(facts, words, databases);
  CAF_REQUIRE_EQUAL(found.size(), 1u);
  return found.front();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

CAF_TEST(connections are counted over all processes) {
  CAF_CHECK_EQUAL(
      connections_needed(with({"--writers.count=2", "--readers.count=3", "--mysql.max-overflow=1"})), 11);
  CAF_CHECK_EQUAL(connections_needed(with({"--mysql.pool-size=10", "--mysql.max-overflow=0"})), 11);
  CAF_MESSAGE("a successor has its own while its predecessor ends, and so has who ships what that leaves");
  CAF_CHECK_EQUAL(
      connections_needed(with({"--mysql.pool-size=10", "--mysql.max-overflow=1", "--workers.count=2"})),
      3 * 12 + 3);
}

CAF_TEST(a sound server is fine) {
  CAF_CHECK(warnings(sound()).empty());
}

CAF_TEST(what a power cut would lose is named) {
  auto f = sound();
  f.flush_log_at_commit = 2;
  CAF_CHECK(has(only_warning(f), "innodb_flush_log_at_trx_commit = 1"));
  f = sound();
  f.sync_binlog = 0;
  CAF_CHECK(warnings(f).empty());
  f.binary_log = true;
  CAF_CHECK(has(only_warning(f), "sync_binlog = 1"));
  f = sound();
  f.doublewrite = false;
  CAF_CHECK(has(only_warning(f), "innodb_doublewrite"));
}

CAF_TEST(too few connections are named) {
  auto f = sound();
  f.connections_max = 20;
  CAF_CHECK(warnings(f, {"--mysql.pool-size=17"}).empty());
  CAF_CHECK(has(only_warning(f, {"--mysql.pool-size=18"}), "max_connections is 20, 21 connections"));
  CAF_CHECK(has(only_warning(f, {"--mysql.pool-size=9"}, 2), "24 connections"));
  f = sound();
  f.user_connections_max = 3;
  CAF_CHECK(has(only_warning(f), "max_user_connections is 3"));
}

CAF_TEST(clocks that differ are named) {
  auto f = sound();
  f.clock_ahead_ms = -250;
  CAF_CHECK(warnings(f).empty());
  f.clock_ahead_ms = -251;
  CAF_CHECK(has(only_warning(f), "251 ms behind"));
  f.clock_ahead_ms = 2000;
  CAF_CHECK(has(only_warning(f), "2000 ms ahead"));
  CAF_CHECK(has(only_warning(f, {"--cluster.clock-warn-ms=1999"}), "2000 ms ahead"));
  CAF_CHECK(warnings(f, {"--cluster.clock-warn-ms=2000"}).empty());
}

CAF_TEST(a clock with which no node joins is a failure) {
  auto f = sound();
  f.clock_ahead_ms = 2001;
  check_report out{nullptr};
  check_server(with({}), f, {1, true}, out);
  CAF_CHECK(out.failed());
  CAF_CHECK(has(out.lines().back().text, "more than cluster.clock-refuse-ms"));
  CAF_MESSAGE("the members are in the catalogue's database alone");
  check_report other{nullptr};
  check_server(with({}), f, {1, false}, other);
  CAF_CHECK(!other.failed() && other.lines().back().what == verdict::warn);
}

CAF_TEST(tables that are not there yet are no problem) {
  for (int64_t version : {-1, 2, 3}) {
    check_report out{nullptr};
    check_schema({"db", version, 3}, out);
    CAF_REQUIRE_EQUAL(out.lines().size(), 1u);
    CAF_CHECK(!out.failed());
    CAF_CHECK(has(out.lines().front().text, version < 0    ? "no tables yet"
                                            : version == 2 ? "upgrades them to version 3"
                                                           : "have version 3"));
  }
}
