#pragma once

#include "actors/context/work.hpp"
#include "decision/decide.hpp"
#include "decision/hash.hpp"
#include "storage/store.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

namespace prometheus {
class Collectable;
class Counter;
class Gauge;
class Histogram;
class Registry;
} // namespace prometheus

namespace beckon::actors {

/// A number that one actor writes and anybody may read, without read-modify-write on the hot path.
class owned_counter {
 public:
  void add(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

/// Counters of one user shard, on their own cache lines: written by the shard, except `asked`.
struct alignas(64) shard_counters {
  std::atomic<uint64_t> asked{0};  // asks sent to the shard, by anybody
  alignas(64) owned_counter taken; // asks taken from the mailbox
  owned_counter hits;
  owned_counter misses;
  owned_counter evictions;
  owned_counter users;   // cached now
  owned_counter waiting; // asks that wait for the store now
  owned_counter claims;  // durable ones
  owned_counter conflicts;
  owned_counter replays;
  std::array<owned_counter, decision::reason_count> reasons{};
};

/// Metrics of one class of jobs in one pool.
struct work_class_metrics {
  prometheus::Counter* overloads = nullptr;
  prometheus::Gauge* queue_jobs = nullptr;
  prometheus::Gauge* queue_bytes = nullptr;
};

/// Metrics of one pool; those of classes that it does not serve are null. Each is a time series with the
/// label class, and for writers pool="store" or pool="outbox".
struct work_pool_metrics {
  std::array<work_class_metrics, work_class_count> classes{};
  prometheus::Counter* failures = nullptr;        // transactions, or reads
  prometheus::Histogram* group_jobs = nullptr;    // jobs in one transaction; null for readers
  prometheus::Histogram* group_seconds = nullptr; // time of one transaction

  work_class_metrics& of(work_class c) { return classes[static_cast<size_t>(c)]; }
};

/// All metrics of the actors. The shards' counters are summed at collection time. Threadsafe.
class node_metrics {
 public:
  explicit node_metrics(std::shared_ptr<prometheus::Registry> registry);
  ~node_metrics();

  const std::shared_ptr<prometheus::Registry>& registry() const { return registry_; }
  shard_counters& shard(size_t i) { return (*shards_)[i]; }

  prometheus::Counter* events_accepted = nullptr;
  prometheus::Counter* events_duplicate = nullptr;
  prometheus::Counter* events_rejected = nullptr;
  prometheus::Counter* restarts = nullptr;
  prometheus::Counter* erased_events = nullptr;
  prometheus::Gauge* erasures_open = nullptr;
  prometheus::Gauge* catalog_version = nullptr;
  prometheus::Gauge* catalog_popups = nullptr;
  prometheus::Gauge* outbox_events = nullptr;
  prometheus::Gauge* outbox_bytes = nullptr;
  prometheus::Gauge* outbox_age_seconds = nullptr;
  prometheus::Counter* outbox_shipped = nullptr;
  prometheus::Counter* outbox_refused = nullptr;
  work_pool_metrics store_pool;
  work_pool_metrics outbox_pool;
  work_pool_metrics read_pool;

  /// All metrics, including those of the store's connections, in the Prometheus text format.
  std::string text(const storage::store_stats& store = {}) const;

 private:
  using shard_array = std::array<shard_counters, decision::shard_count>;
  class shard_sums;
  std::shared_ptr<prometheus::Registry> registry_;
  std::unique_ptr<shard_array> shards_;
  std::unique_ptr<shard_sums> sums_;
};

} // namespace beckon::actors
