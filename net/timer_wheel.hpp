#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace beckon::net {

/// An entry of a timer_wheel, embedded in what it times. It must not move while armed.
struct timer_entry {
  timer_entry* previous = nullptr; // null: not armed
  timer_entry* next = nullptr;
  int64_t due_tick = 0;

  bool armed() const { return previous != nullptr; }
};

/// Coarse time-outs for many connections: arming, moving and disarming take a few pointer writes, whatever
/// the number. Not threadsafe. Blocks: no. Bounds: owns no entry; its own size is fixed. A time-out never
/// fires early, and at most one tick (plus the caller's own delay) late.
class timer_wheel {
 public:
  timer_wheel(int64_t now_ms, int64_t tick_ms);
  timer_wheel(const timer_wheel&) = delete; // entries point into the slots
  timer_wheel& operator=(const timer_wheel&) = delete;

  /// Arms `entry`, or moves it when it is armed. A time in the past means the next tick.
  void arm(timer_entry& entry, int64_t due_ms);
  /// Does nothing for an entry that is not armed.
  void disarm(timer_entry& entry);
  /// When an armed entry fires, in ms; rounded up to a tick.
  int64_t due_ms(const timer_entry& entry) const { return entry.due_tick * tick_ms_; }
  size_t armed_count() const { return armed_; }

  /// Calls `fire(timer_entry&)` for each entry that is due; it is disarmed before the call. `fire` may arm,
  /// disarm or destroy any entry, the fired one included.
  template <class F>
  void advance(int64_t now_ms, F&& fire) {
    const int64_t target = now_ms / tick_ms_;
    // After a long pause one round over all slots finds everything that is due.
    if (target - tick_ > static_cast<int64_t>(slots_.size()))
      tick_ = target - static_cast<int64_t>(slots_.size());
    while (tick_ < target) {
      ++tick_;
      timer_entry waiting;
      take_slot(waiting);
      while (timer_entry* due = next_due(waiting))
        fire(*due);
    }
  }

 private:
  timer_entry& slot_of(int64_t tick) { return slots_[static_cast<size_t>(tick) & (slots_.size() - 1)]; }
  void take_slot(timer_entry& list);
  timer_entry* next_due(timer_entry& list);

  int64_t tick_ms_;
  int64_t tick_;
  size_t armed_ = 0;
  std::vector<timer_entry> slots_; // each the head of a ring
};

} // namespace beckon::net
