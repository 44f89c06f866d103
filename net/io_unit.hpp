#pragma once

#include <caf/actor_system.hpp>
#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>

#include <cstddef>
#include <deque>

namespace beckon::net {

/// Runs actors on the I/O thread, one after the other, instead of waking a thread of the scheduler for each: an actor
/// that is started on this unit runs here, and so does whoever it sends a message to, as long as nobody else
/// runs it already. It pays where the work is shorter than waking a thread (some microseconds).
/// Runs on: I/O thread.  Blocks: no, but other connections wait meanwhile.
/// Bounds: `resumes_max` between two calls of reset(), each of at most `messages_max` messages; what is beyond goes to
/// the scheduler.
class io_unit final : public caf::execution_unit {
 public:
  static constexpr size_t messages_max = 64;

  explicit io_unit(caf::actor_system& system) : caf::execution_unit(&system) {}
  ~io_unit() override;
  io_unit(const io_unit&) = delete;
  io_unit& operator=(const io_unit&) = delete;

  /// Begins to count anew.
  void reset(size_t resumes_max) { left_ = resumes_max; }
  /// Takes over one reference to `ptr`.
  void exec_later(caf::resumable* ptr) override;
  /// Runs everything that waits, and what that brings with it.
  void run();

 private:
  std::deque<caf::resumable*> waiting_;
  size_t left_ = 0;
};

} // namespace beckon::net
