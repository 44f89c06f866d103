#define CAF_SUITE storage.mysql_contract
#include "storage/mysql/store.hpp"
#include "tests/storage/mariadb_server.hpp"

#include <caf/test/unit_test.hpp>

#include <memory>

struct mysql_sessions {
  beckon::storage::test::fresh_database database;
  beckon::storage::store_ptr store;
  std::unique_ptr<beckon::storage::session> writer;
  std::unique_ptr<beckon::storage::session> reader;

  mysql_sessions()
      : database(
          beckon::storage::test::server_address{beckon::storage::test::shared_server_directory()}.options()),
        store(beckon::storage::test::open_or_fail(database.options)) {
    writer = std::move(*store->open_writer());
    reader = std::move(*store->open_reader());
  }
};

using contract_fixture = mysql_sessions;

#include "tests/storage/contract.hpp"
