#pragma once

#include <caf/actor_system.hpp>
#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>

#include <chrono>
#include <cstddef>
#include <deque>

namespace beckon::net {

/// Runs actors on the I/O thread, one after the other, instead of waking a scheduler thread for each: actors
/// started on this unit, and quick ones (see mark_quick()) that get a message from an actor running here,
/// unless another thread already runs them. This pays if the work is shorter than waking a thread (some
/// microseconds). All other receivers of messages from here go to the scheduler.
///
/// Runs on: I/O thread. Blocks: no, but other connections wait meanwhile.
///
/// Bounds: those of `bounds` between two calls of reset(), each run of at most `messages_max` messages; the
/// rest goes to the scheduler. No run is interrupted, and the clock is read once in `runs_per_look` runs.
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

  /// Resets the counters.
  void reset(const bounds& b);
  /// Whether an actor started now would run here.
  bool has_room() const { return left_ > 0; }
  /// Takes one reference to `ptr`. Between two calls of run() this is how actors are started here.
  void exec_later(caf::resumable* ptr) override;
  /// Runs everything that waits, including what that adds.
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
