#define CAF_SUITE storage.mysql_cluster_contract
#include "storage/mysql/store.hpp"
#include "tests/storage/cluster_samples.hpp"
#include "tests/storage/mariadb_server.hpp"

#include <caf/test/unit_test.hpp>

#include <memory>

struct mysql_cluster_store {
  beckon::storage::test::fresh_database database{
      beckon::storage::test::server_address{beckon::storage::test::shared_server_directory()}.options()};
  beckon::storage::store_ptr store = beckon::storage::test::open_or_fail(database.options);

  void pass(int64_t ms) {
    auto watch = std::move(*store->open_cluster(5000));
    auto until = beckon::storage::test::of(watch->look()).now_ms + ms;
    CAF_REQUIRE(beckon::storage::test::comes_true(
        [&] { return beckon::storage::test::of(watch->look()).now_ms >= until; }));
  }
};

using cluster_fixture = mysql_cluster_store;

#include "tests/storage/contract_cluster.hpp"
