#pragma once

#include "actors/interfaces.hpp"
#include "actors/node_metrics.hpp"
#include "actors/node_options.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace beckon::actors {

/// Facts about the node that many look at and few change. Threadsafe.
struct node_health {
  std::atomic<bool> catalog_loaded{false};
  std::atomic<bool> store_writable{false};
  std::atomic<bool> draining{false};

  /// Notes a fault after which the process must stop (the first one stays).
  void fail(std::string reason);
  std::string fatal_reason() const;
  /// Why the store is not writable, for people; empty while it is.
  void store_fault(std::string detail);
  std::string store_fault() const;

 private:
  mutable std::mutex mutex_;
  std::string fatal_reason_;
  std::string store_fault_;
};

/// What the actors of one node share: where everybody is, the options, the metrics, the clock.
/// Outlives every actor (held by shared_ptr). Threadsafe.
struct node_context {
  node_options options;
  std::shared_ptr<node_metrics> metrics;
  node_health health;
  int64_t (*now_ms)() = nullptr; // Unix time

  /// The present table of actors; null before the start.
  node_handles_ptr handles() const { return std::atomic_load_explicit(&handles_, std::memory_order_acquire); }
  void publish(node_handles_ptr table) {
    std::atomic_store_explicit(&handles_, std::move(table), std::memory_order_release);
  }

 private:
  node_handles_ptr handles_;
};

using node_context_ptr = std::shared_ptr<node_context>;

} // namespace beckon::actors
