#pragma once

#include <caf/actor_system.hpp>
#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>

#include <chrono>
#include <cstddef>
#include <deque>

namespace beckon::net {

/// Runs actors on the I/O thread, one after the other, instead of waking a thread of the scheduler for each:
/// those that are started on this unit, and whoever is marked as quick (see mark_quick()) and gets a message
/// from one that runs here, as long as nobody else runs it already. It pays where the work is shorter than
/// waking a thread (some microseconds). Anybody else who gets a message from here goes to the scheduler.
///
/// Runs on: I/O thread.  Blocks: no, but other connections wait meanwhile.
///
/// Bounds: those of `bounds` between two calls of reset(), each run of at most `messages_max` messages; what
/// is beyond goes to the scheduler. No run is interrupted, and the clock is read once in `runs_per_look`
/// runs.
class io_unit final : public caf::execution_unit {
 public:
  struct bounds {
    size_t runs_max = 0;
    std::chrono::microseconds time_max{0}; // from the first run
  };
  static constexpr size_t messages_max = 8;
  static constexpr size_t runs_per_look = 4;

  explicit io_unit(caf::actor_system& system) : caf::execution_unit(&system) {}
  ~io_unit() override;
  io_unit(const io_unit&) = delete;
  io_unit& operator=(const io_unit&) = delete;

  /// Begins to count anew.
  void reset(const bounds& b);
  /// Whether an actor that is started now would run here.
  bool has_room() const { return left_ > 0; }
  /// Takes over one reference to `ptr`. Between two calls of run() this is what is started here.
  void exec_later(caf::resumable* ptr) override;
  /// Runs everything that waits, and what that brings with it.
  void run();

 private:
  using clock = std::chrono::steady_clock;

  bool admits(caf::resumable* ptr) const;
  void run_one(caf::resumable* r);
  void hand_over();

  std::deque<caf::resumable*> waiting_;
  size_t left_ = 0;
  size_t runs_until_look_ = runs_per_look;
  bool running_ = false;
  bool timed_ = false; // until_ is set
  std::chrono::microseconds time_max_{0};
  clock::time_point until_;
};

} // namespace beckon::net
