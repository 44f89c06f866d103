#define CAF_SUITE storage.memory_cluster
#include "tests/support/memory_store.hpp"

#include <caf/test/unit_test.hpp>

#include <atomic>
#include <cstdint>

struct memory_cluster_store {
  std::atomic<int64_t> now_ms{1'780'000'000'000};
  beckon::storage::store_ptr store = beckon::storage::make_memory_store([this] { return now_ms.load(); });

  void pass(int64_t ms) { now_ms += ms; }
};

using cluster_fixture = memory_cluster_store;

#include "tests/storage/contract_cluster.hpp"
