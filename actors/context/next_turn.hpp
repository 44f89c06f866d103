#pragma once

#include "actors/context/interfaces.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <vector>

namespace beckon::actors {

/// The timer of an actor that knows when it next has something to do: a beat_atom comes at the earliest time
/// that was asked for, and none while there is nothing to wait for. The actor asks again after each of its
/// turns; asking for a time that is not earlier costs nothing. Not threadsafe: the actor's own.
///
/// CAF cannot take a delayed message back, so a beat may come that is not needed any more. No more beats are
/// under way than times were asked for, each earlier than the one before.
class next_turn {
 public:
  /// Nothing to wait for.
  static constexpr int64_t never = std::numeric_limits<int64_t>::max();

  /// `due_ms` and `now_ms` are of the same clock; what is due already comes a millisecond later.
  template <class Self>
  void at(Self* self, int64_t due_ms, int64_t now_ms) {
    if (due_ms == never || (!asked_.empty() && asked_.back() <= due_ms))
      return;
    asked_.push_back(due_ms);
    self->delayed_send(self, std::chrono::milliseconds{std::max<int64_t>(due_ms - now_ms, 1)},
                       beat_atom::value);
  }

  /// A beat has come: call first, before anything is asked for.
  void came() {
    if (!asked_.empty())
      asked_.pop_back();
  }

 private:
  std::vector<int64_t> asked_; // beats under way, the next one last
};

} // namespace beckon::actors
