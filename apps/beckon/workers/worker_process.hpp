#pragma once

#include <csignal>
#include <string>
#include <sys/types.h>
#include <vector>

namespace beckon::apps {

/// How to start this program again, as a child.
struct process_order {
  std::vector<std::string> words;    // after the program's name
  std::vector<int> descriptors;      // inherited by the child; all others must be close-on-exec
  const sigset_t* signals = nullptr; // its blocked signals
};

/// Forks and executes /proc/self/exe. The child leads its own process group, so a terminal's signals
/// reach it only through the parent, and it gets SIGTERM when the parent dies. Call from a process without
/// threads. Returns the child's id, or -errno. A child that cannot execute exits with 127.
pid_t start_process(const process_order& order);

} // namespace beckon::apps
