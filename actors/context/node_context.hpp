#pragma once

#include "actors/context/interfaces.hpp"
#include "actors/context/node_metrics.hpp"
#include "actors/context/node_options.hpp"
#include "base/clock.hpp"
#include "base/log_limiter.hpp"
#include "storage/outbox.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace beckon::actors {

/// Rings when a fact about the node has changed that somebody may wait for. Threadsafe.
class change_bell {
 public:
  /// `hear` runs in the thread that changed something: it must not block, nor add or remove. Returns what
  /// remove() takes.
  uint64_t add(std::function<void()> hear);
  /// `hear` does not run any more once this has returned.
  void remove(uint64_t id);
  void ring();

 private:
  std::mutex mutex_;
  std::map<uint64_t, std::function<void()>> hearers_;
  uint64_t last_id_ = 0;
};

/// A yes or no that rings when it changes. Threadsafe.
class told_flag {
 public:
  explicit told_flag(change_bell* bell) : bell_(bell) {}

  operator bool() const { return value_; }
  told_flag& operator=(bool value) {
    exchange(value);
    return *this;
  }
  bool exchange(bool value) {
    auto before = value_.exchange(value);
    if (before != value && bell_)
      bell_->ring();
    return before;
  }

 private:
  std::atomic<bool> value_{false};
  change_bell* const bell_; // may be null
};

/// Whether something can be written to now, and if not, why. Threadsafe.
struct write_health {
  explicit write_health(change_bell* bell = nullptr) : writable(bell) {}

  told_flag writable;

  /// For people; empty while it is writable.
  void fault(std::string detail);
  std::string fault() const;

 private:
  mutable std::mutex mutex_;
  std::string fault_;
};

/// Facts about the node that many read and few change. Threadsafe.
struct node_health {
  change_bell bell; // of what is below, and of cluster_context
  told_flag catalog_loaded{&bell};
  std::atomic<bool> draining{false};
  std::atomic<uint32_t> shards_alive{0};
  write_health store{&bell};
  write_health outbox{&bell}; // looked at only when there is one

  /// Records a fault after which the process must stop (the first one stays).
  void fail(std::string reason);
  std::string fatal_reason() const;

 private:
  mutable std::mutex mutex_;
  std::string fatal_reason_;
};

struct cluster_context;

/// The time used for decisions. Threadsafe.
class node_clock {
 public:
  using source = base::clock_source;

  node_clock() = default;
  /// Uses `s`, which returns Unix time.
  node_clock& operator=(source s) {
    source_ = s;
    return *this;
  }
  /// Uses `s` plus `ahead_ms`, which must give Unix time. Threadsafe only if the source stays the same.
  void follow(source s, int64_t ahead_ms) {
    ahead_ms_ = ahead_ms;
    source_ = s;
  }
  int64_t operator()() const { return source_.load()() + ahead_ms_.load(); }
  bool is_set() const { return source_.load() != nullptr; }

 private:
  std::atomic<source> source_{nullptr};
  std::atomic<int64_t> ahead_ms_{0};
};

/// What a node's actors share: the table of actors, options, metrics, clock. Outlives every actor (held by
/// shared_ptr). Threadsafe.
struct node_context {
  node_options options;
  std::shared_ptr<node_metrics> metrics;
  node_health health;
  std::weak_ptr<storage::store> store;      // to ask for its warning
  storage::outbox_ptr outbox;               // null: events go straight to the store
  std::shared_ptr<cluster_context> cluster; // null: the node is not in a cluster
  node_clock now_ms;                        // Unix time; in a cluster the database's
  base::log_limiter load_faults;            // while the store is down there is one for each ask

  /// Whether this node may claim: in a cluster, while its lease lasts.
  bool may_claim() const;

  /// The current table of actors; null before the start.
  node_handles_ptr handles() const { return std::atomic_load_explicit(&handles_, std::memory_order_acquire); }
  void publish(node_handles_ptr table) {
    std::atomic_store_explicit(&handles_, std::move(table), std::memory_order_release);
  }

  /// The live catalogue, for a shard that starts late; null before the first was loaded.
  decision::catalog_ptr catalog() const { return std::atomic_load(&catalog_); }
  void publish_catalog(decision::catalog_ptr c) { std::atomic_store(&catalog_, std::move(c)); }

 private:
  node_handles_ptr handles_;
  decision::catalog_ptr catalog_;
};

using node_context_ptr = std::shared_ptr<node_context>;

} // namespace beckon::actors
