#pragma once

#include <csignal>
#include <string>
#include <sys/types.h>
#include <vector>

namespace beckon::apps {

/// How to start this very program again, as a child.
struct process_order {
  std::vector<std::string> words;    // after the program's name
  std::vector<int> descriptors;      // those that the child inherits; all others are to be close-on-exec
  const sigset_t* signals = nullptr; // its blocked signals
};

/// Forks and executes /proc/self/exe. The child leads a process group of its own, so that what a terminal
/// sends reaches it only through the parent, and gets SIGTERM when the parent dies. Call from a process
/// without threads. Returns the child's id, or -errno. A child that cannot execute ends with 127.
pid_t start_process(const process_order& order);

} // namespace beckon::apps
