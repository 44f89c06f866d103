#define CAF_SUITE net.connection_table

#include "net/connection_table.hpp"

#include "tests/net/usual_options.hpp"

#include <caf/test/unit_test.hpp>

#include <set>

using namespace beckon::net;

namespace {

struct fixture {
  connection_table table;
  parser_limits limits = test::usual_limits();
  connection& open(int fd) { return table.open(fd, "127.0.0.1", limits); }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(connection_table_tests, fixture)

CAF_TEST(finds only open connections) {
  auto& c = open(5);
  CAF_CHECK(table.find(c.number) == &c);
  CAF_CHECK(table.find(0) == nullptr);
  CAF_CHECK(table.find(c.number + (uint64_t{1} << 20)) == nullptr);
  CAF_CHECK(table.find(~uint64_t{0}) == nullptr);
  CAF_CHECK_EQUAL(table.size(), 1u);
}

CAF_TEST(a number is never used again) {
  std::set<uint64_t> seen;
  for (int i = 0; i < 10000; ++i) {
    const auto number = open(5).number; // the same descriptor and slot each time
    CAF_REQUIRE(seen.insert(number).second);
    table.close(number);
    CAF_REQUIRE(table.find(number) == nullptr);
  }
  CAF_CHECK_EQUAL(table.size(), 0u);
}

CAF_TEST(many at a time keep their place) {
  std::set<uint64_t> numbers;
  for (int i = 0; i < 1000; ++i)
    numbers.insert(open(i).number);
  CAF_CHECK_EQUAL(numbers.size(), 1000u);
  auto& kept = *table.find(*numbers.begin());
  for (auto number : table.numbers())
    if (number != kept.number)
      table.close(number);
  CAF_CHECK(table.find(kept.number) == &kept);
  CAF_CHECK_EQUAL(table.numbers().size(), 1u);
}

CAF_TEST(an idle connection is small) {
  CAF_CHECK_LESS_OR_EQUAL(sizeof(connection), 512u);
}

CAF_TEST_FIXTURE_SCOPE_END()
