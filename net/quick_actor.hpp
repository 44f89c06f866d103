#pragma once

#include <caf/abstract_actor.hpp>

namespace beckon::net {

/// CAF keeps an actor's own flags in bits up to 0x2000 and a channel's from 0x01000000 on.
constexpr int quick_actor_flag = 0x00010000;

/// Lets the I/O thread run `self` when a quick request asks it something (see io_unit): each message it
/// takes, not only the one that it is asked with, must be a matter of microseconds and must not block. To be
/// called by the actor itself while it makes its behaviour: flags are not to be changed by two threads at
/// once.
inline void mark_quick(caf::abstract_actor& self) {
  self.setf(quick_actor_flag);
}

/// Threadsafe.
inline bool is_quick(const caf::abstract_actor& self) {
  return self.getf(quick_actor_flag);
}

} // namespace beckon::net
