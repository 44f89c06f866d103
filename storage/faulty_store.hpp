#pragma once

#include "storage/store.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

namespace beckon::storage {

/// What goes wrong, and when; shared between the test and the store it spoils. Threadsafe.
/// A ping is neither a read nor a write: it is not counted, but fails and hangs with the rest.
class fault_plan {
 public:
  enum class operation : uint8_t { write, read };

  /// The n-th call from now (1: the next) of this kind fails with `code` without reaching the store.
  void fail(operation op, uint64_t nth, errc code);
  /// All calls fail until heal().
  void fail_all(errc code);
  /// The n-th write from now is carried out and then reported as unknown_outcome.
  void lose_outcome(uint64_t nth);
  /// Calls block until heal() (or until `release_after_ms` of real time, then unavailable).
  void hang(int64_t release_after_ms);
  void heal();
  uint64_t calls(operation op) const;

 private:
  friend class faulty_session;
  struct impl;
  std::shared_ptr<impl> impl_;

 public:
  fault_plan();
};

/// Wraps a store; sessions consult the plan before (and after) each call.
store_ptr make_faulty_store(store_ptr inner, fault_plan plan);

} // namespace beckon::storage
