#define CAF_SUITE config.database_list
#include "config/database_list.hpp"

#include <caf/test/unit_test.hpp>

#include <string>

using namespace beckon::config;

namespace {

std::string text_of(const database_address& a) {
  return a.host + "|" + std::to_string(a.port);
}

std::string replicas(std::string_view text) {
  auto parsed = read_replicas(text);
  if (!parsed)
    return "no";
  std::string out;
  for (const auto& a : parsed.list)
    out += text_of(a) + " ";
  return out;
}

std::string shards(std::string_view text) {
  auto parsed = read_shard_databases(text);
  if (!parsed)
    return "no";
  std::string out;
  for (const auto& s : parsed.list) {
    out += text_of(s.where) + "/" + s.name;
    for (const auto& r : s.replicas)
      out += "+" + text_of(r);
    out += " ";
  }
  return out;
}

} // namespace

CAF_TEST(replicas are hosts with or without a port) {
  CAF_CHECK_EQUAL(replicas(""), "");
  CAF_CHECK_EQUAL(replicas("  "), "");
  CAF_CHECK_EQUAL(replicas("db2"), "db2|3306 ");
  CAF_CHECK_EQUAL(replicas(" db2:3307 ,10.0.0.1 "), "db2|3307 10.0.0.1|3306 ");
  CAF_CHECK_EQUAL(replicas("[::1]:3308, [fe80::1]"), "::1|3308 fe80::1|3306 ");
  for (const auto* wrong :
       {",", "a,", "a:", "a:0", "a:65536", "a:1x", ":3306", "[::1", "[]:1", "[::1]x", "a:-1"})
    CAF_CHECK_EQUAL(replicas(wrong), "no");
  CAF_CHECK(read_replicas("db2:x").problem.find("db2:x") != std::string::npos);
}

CAF_TEST(databases of users have a name and perhaps replicas) {
  CAF_CHECK_EQUAL(shards(""), "");
  CAF_CHECK_EQUAL(shards("db1:3306/u0, db2/u1"), "db1|3306/u0 db2|3306/u1 ");
  CAF_CHECK_EQUAL(shards("db1/u0+db3:3307+[::1]:1,db1/u1"), "db1|3306/u0+db3|3307+::1|1 db1|3306/u1 ");
  for (const auto* wrong :
       {"db1", "db1:3306", "db1/", "/u", "db1/u/v", "db1/u+", "db1/u,,db2/u", "db1/u+x:y"})
    CAF_CHECK_EQUAL(shards(wrong), "no");
  CAF_CHECK_EQUAL(shards("db1/u, db1:3306/u"), "no");
  CAF_CHECK(read_shard_databases("db1/u, db1/u").problem.find("twice") != std::string::npos);
}
