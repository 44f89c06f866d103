#pragma once

#include "storage/store.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

namespace beckon::storage {

/// What fails, and when; shared between the test and the store. Threadsafe. A ping is neither a read nor a
/// write: it is not counted, but fails and hangs with the rest.
class fault_plan {
 public:
  enum class operation : uint8_t {
    write,
    read,
    cluster, // every call of a cluster_store or shard_table
  };

  /// The n-th call of this kind from now (1: the next) fails with `code` without reaching the store.
  void fail(operation op, uint64_t nth, errc code);
  /// All calls fail until heal().
  void fail_all(errc code);
  /// The n-th call of this kind (not read) from now is executed and then reported as unknown_outcome.
  void lose_outcome(uint64_t nth, operation op = operation::write);
  /// Calls block until heal() (or until `release_after_ms` of real time, then unavailable).
  void hang(int64_t release_after_ms);
  void heal();
  uint64_t calls(operation op) const;

  // -- for the wrapped objects --

  /// What happens to a call: `refused` before it reaches the store, or `lost` after.
  struct fate {
    caf::error refused;
    bool lost = false;
  };
  /// Counts the call, waits while the plan hangs, and returns the plan for it. The plan at the start of the
  /// call counts, but a call that hung until heal() goes through.
  fate consult(operation op);
  /// The same for a ping.
  caf::error refused_for_now();
  static caf::error lost_outcome();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;

 public:
  fault_plan();
};

/// Wraps a store; its sessions and its cluster tables consult the plan before (and after) each call.
store_ptr make_faulty_store(store_ptr inner, fault_plan plan);

} // namespace beckon::storage
