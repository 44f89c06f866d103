#define CAF_SUITE storage.memory_contract
#include "tests/support/memory_store.hpp"

#include <caf/test/unit_test.hpp>

#include <memory>

struct memory_sessions {
  beckon::storage::store_ptr store = beckon::storage::make_memory_store();
  std::unique_ptr<beckon::storage::session> writer = std::move(*store->open_writer());
  std::unique_ptr<beckon::storage::session> reader = std::move(*store->open_reader());
};

using contract_fixture = memory_sessions;

#include "tests/storage/contract.hpp"
