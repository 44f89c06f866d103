#define CAF_SUITE storage.sqlite_contract
#include "storage/sqlite/store.hpp"
#include "tests/storage/scratch_directory.hpp"
#include "tests/storage/sqlite/usual_options.hpp"

#include <caf/test/unit_test.hpp>

#include <memory>

struct sqlite_sessions {
  beckon::storage::test::scratch_directory scratch;
  beckon::storage::store_ptr store;
  std::unique_ptr<beckon::storage::session> writer;
  std::unique_ptr<beckon::storage::session> reader;

  sqlite_sessions() {
    auto options = beckon::storage::test::usual_options(scratch.file("beckon.db"));
    auto opened = beckon::storage::open_sqlite(options);
    if (!opened)
      CAF_FAIL(beckon::storage::describe(opened.error()));
    store = std::move(*opened);
    writer = std::move(*store->open_writer());
    reader = std::move(*store->open_reader());
  }
};

using contract_fixture = sqlite_sessions;

#include "tests/storage/contract.hpp"
