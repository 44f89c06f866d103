#pragma once

#include <caf/abstract_actor.hpp>

namespace beckon::net {

/// CAF keeps an actor's own flags in bits up to 0x2000 and a channel's from 0x01000000 on.
constexpr int quick_actor_flag = 0x00010000;

/// Lets the I/O thread run `self` when a quick request asks it (see io_unit). Every message that the actor
/// handles, not only that ask, must take microseconds and must not block. The actor itself calls this while
/// it makes its behaviour, because two threads must not change the flags at once.
inline void mark_quick(caf::abstract_actor& self) {
  self.setf(quick_actor_flag);
}

/// Threadsafe.
inline bool is_quick(const caf::abstract_actor& self) {
  return self.getf(quick_actor_flag);
}

} // namespace beckon::net
