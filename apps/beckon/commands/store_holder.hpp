#pragma once

#include "config/configuration.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

/// Which process has the store open, and where it can be reached: what the kernel knows, so that nobody is
/// sent to a node that has another store.
namespace beckon::apps {

struct store_holder {
  pid_t pid = 0;                 // 0: cannot be told
  std::vector<std::string> urls; // where that process listens, as "http://127.0.0.1:8080"
};

/// The file that whoever has the store open keeps locked.
std::string store_lock_path(const config::configuration& cfg);

/// Who holds the lock, from /proc; places are found only for processes of this user (or as root).
store_holder holder_of(const std::string& lock_path);

/// One sentence: how an operator's command gets at the store nevertheless.
std::string way_through(const store_holder& holder);

} // namespace beckon::apps
