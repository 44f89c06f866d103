#pragma once

#include <optional>
#include <sys/types.h>

namespace beckon::peers {

/// The user whose process has the other end of a TCP connection within this machine, as the kernel knows it;
/// nothing when the other end is elsewhere, closed already, or the kernel does not tell.
/// Blocks: for one question to the kernel.
std::optional<uid_t> owner_of_other_end(int fd);

/// Plain TCP has nothing to tell friend from foe but the user: whether the other end belongs to this
/// process's user or to root.
bool is_own_other_end(int fd);

} // namespace beckon::peers
