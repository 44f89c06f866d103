#include "apps/beckon/serve/stop_signals.hpp"

#include <pthread.h>
#include <unistd.h>

namespace beckon::apps {

stop_signals::stop_signals(bool for_worker) : for_worker_(for_worker) {
  // A client that closes early must fail one write, not end the process.
  std::signal(SIGPIPE, SIG_IGN);
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
  // Under nohup a closed terminal must not end the node: signals ignored at start stay ignored.
  if (for_worker)
    std::signal(SIGHUP, SIG_IGN);
  struct sigaction present {};
  if (sigaction(SIGHUP, nullptr, &present) != 0 || present.sa_handler != SIG_IGN)
    sigaddset(&signals_, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  thread_ = std::thread{[this] { run(); }};
}

stop_signals::~stop_signals() {
  done_ = true;
  thread_.join();
}

int stop_signals::wait_for(std::chrono::milliseconds time) {
  std::unique_lock<std::mutex> lock{mutex_};
  came_.wait_for(lock, time, [this] { return first_ != 0; });
  return first_;
}

void stop_signals::run() {
  const timespec turn{0, 50'000'000};
  while (!done_) {
    int number = sigtimedwait(&signals_, nullptr, &turn);
    if (number <= 0)
      continue;
    std::lock_guard<std::mutex> guard{mutex_};
    if (first_ != 0 && !for_worker_)
      _exit(128 + number);
    if (first_ != 0)
      continue;
    first_ = number;
    came_.notify_all();
  }
}

} // namespace beckon::apps
