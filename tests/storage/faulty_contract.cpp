#define CAF_SUITE storage.faulty_contract
#include "tests/support/faulty_store.hpp"
#include "tests/support/memory_store.hpp"

#include <caf/test/unit_test.hpp>

#include <memory>

struct healthy_sessions {
  beckon::storage::store_ptr store =
      beckon::storage::make_faulty_store(beckon::storage::make_memory_store(), beckon::storage::fault_plan{});
  std::unique_ptr<beckon::storage::session> writer = std::move(*store->open_writer());
  std::unique_ptr<beckon::storage::session> reader = std::move(*store->open_reader());
};

using contract_fixture = healthy_sessions;

#include "tests/storage/contract.hpp"
