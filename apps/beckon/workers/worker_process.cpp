#include "apps/beckon/workers/worker_process.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace beckon::apps {

namespace {

constexpr int cannot_execute = 127;

[[noreturn]] void become(const process_order& order, char* const* words, pid_t parent) {
  ::setpgid(0, 0);
  for (int fd : order.descriptors)
    ::fcntl(fd, F_SETFD, 0);
  ::sigprocmask(SIG_SETMASK, order.signals, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  // A parent that died before this line sends nothing.
  if (::getppid() == parent)
    ::execv("/proc/self/exe", words);
  _exit(cannot_execute);
}

} // namespace

pid_t start_process(const process_order& order) {
  std::string name = "beckon";
  auto words = order.words;
  std::vector<char*> pointers = {name.data()};
  for (auto& word : words)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  auto parent = ::getpid();
  auto child = ::fork();
  if (child == 0)
    become(order, pointers.data(), parent);
  return child < 0 ? -errno : child;
}

} // namespace beckon::apps
