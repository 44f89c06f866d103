#include "apps/beckon/serve/stop_signals.hpp"

#include "apps/beckon/serve/log.hpp"

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

// A signal for that thread alone ends its wait; it is blocked everywhere, so nothing else comes of it.
stop_signals::~stop_signals() {
  done_ = true;
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
}

int stop_signals::wait_for(std::chrono::milliseconds time) {
  std::unique_lock<std::mutex> lock{mutex_};
  came_.wait_for(lock, time, [this] { return first_ != 0; });
  return first_;
}

int stop_signals::wait() {
  std::unique_lock<std::mutex> lock{mutex_};
  came_.wait(lock, [this] { return first_ != 0 || nudged_; });
  nudged_ = false;
  return first_;
}

void stop_signals::nudge() {
  std::lock_guard<std::mutex> guard{mutex_};
  nudged_ = true;
  came_.notify_all();
}

void stop_signals::run() {
  while (!done_)
    if (int number = sigwaitinfo(&signals_, nullptr); number > 0 && !done_)
      take(number);
}

void stop_signals::take(int number) {
  std::lock_guard<std::mutex> guard{mutex_};
  if (first_ != 0 && !for_worker_) {
    flush_log();
    _exit(128 + number);
  }
  if (first_ != 0)
    return;
  first_ = number;
  came_.notify_all();
}

} // namespace beckon::apps
