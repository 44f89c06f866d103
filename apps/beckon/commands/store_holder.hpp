#pragma once

#include "config/configuration.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

/// The process that has the store open, and its URLs. Both come from the kernel, so that no operator is
/// sent to a node with another store.
namespace beckon::apps {

struct store_holder {
  pid_t pid = 0;                 // 0: unknown
  std::vector<std::string> urls; // where that process listens, as "http://127.0.0.1:8080"
};

/// The file that the process with the open store keeps locked.
std::string store_lock_path(const config::configuration& cfg);

/// The lock's holder, from /proc; URLs are found only for processes of this user (or as root).
store_holder holder_of(const std::string& lock_path);

/// One sentence: how a command can still reach the store.
std::string way_through(const store_holder& holder);

} // namespace beckon::apps
