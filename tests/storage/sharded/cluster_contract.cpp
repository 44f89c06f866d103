#define CAF_SUITE storage.sharded_cluster_contract
#include "storage/sharded/store.hpp"
#include "tests/support/memory_store.hpp"

#include <caf/test/unit_test.hpp>

#include <atomic>
#include <cstdint>

struct sharded_cluster_store {
  std::atomic<int64_t> now_ms{1'780'000'000'000};
  // Only the catalogue's clock counts.
  beckon::storage::store_ptr store = beckon::storage::make_sharded_store(
      beckon::storage::make_memory_store([this] { return now_ms.load(); }),
      {beckon::storage::make_memory_store(), beckon::storage::make_memory_store()});

  void pass(int64_t ms) { now_ms += ms; }
};

using cluster_fixture = sharded_cluster_store;

#include "tests/storage/contract_cluster.hpp"
