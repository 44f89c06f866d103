#define CAF_SUITE storage.sharded_contract
#include "storage/sharded/store.hpp"
#include "tests/support/memory_store.hpp"

#include <caf/test/unit_test.hpp>

#include <memory>

struct sharded_sessions {
  // With more than one database of users, two promises are weaker; see sharded_store.hpp and its own suite.
  beckon::storage::store_ptr store = beckon::storage::make_sharded_store(
      beckon::storage::make_memory_store(), {beckon::storage::make_memory_store()});
  std::unique_ptr<beckon::storage::session> writer = std::move(*store->open_writer());
  std::unique_ptr<beckon::storage::session> reader = std::move(*store->open_reader());
};

using contract_fixture = sharded_sessions;

#include "tests/storage/contract.hpp"
