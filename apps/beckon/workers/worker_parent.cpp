#include "apps/beckon/workers/worker_parent.hpp"

#include "apps/beckon/host/exit_code.hpp"
#include "apps/beckon/host/host.hpp"
#include "apps/beckon/serve/log.hpp"
#include "base/clock.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <poll.h>
#include <sys/signalfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace beckon::apps {

namespace {

/// Time that a node may need to stop after the grace time: flushing, and shutting down the actor system.
constexpr int64_t stop_reserve_ms = 20'000;
/// Pause between checks of what an earlier run still holds.
constexpr int held_poll_ms = 100;

sigset_t handled_signals() {
  sigset_t set{};
  sigemptyset(&set);
  for (int number : {SIGCHLD, SIGTERM, SIGINT})
    sigaddset(&set, number);
  // Under nohup a closed terminal must not cause a reload: signals ignored at start stay ignored.
  struct sigaction present {};
  if (sigaction(SIGHUP, nullptr, &present) != 0 || present.sa_handler != SIG_IGN)
    sigaddset(&set, SIGHUP);
  return set;
}

} // namespace

worker_parent::worker_parent(config::sources from, std::vector<std::string> words, snapshot_ptr snapshot)
    : from_(std::move(from)), words_(std::move(words)), snapshot_(std::move(snapshot)) {
  data_dir_ = cfg().text("node.data-dir");
  seats_.resize(static_cast<size_t>(cfg().integer("workers.count")));
}

worker_parent::~worker_parent() {
  if (signal_fd_ >= 0)
    ::close(signal_fd_);
}

std::string worker_parent::open() {
  // A closed log must fail one write only; and a process that ignores SIGCHLD is not told when a child
  // ends.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGCHLD, SIG_DFL);
  auto signals = handled_signals();
  ::sigprocmask(SIG_BLOCK, &signals, &inherited_signals_);
  signal_fd_ = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signal_fd_ < 0)
    return "signals cannot be waited for: " + std::generic_category().message(errno);
  auto until = base::steady_ms() + cfg().integer("node.grace-ms");
  auto told = false;
  for (;;) {
    auto problem = outbox_in_use();
    if (problem.empty() || base::steady_ms() >= until)
      return problem;
    if (!std::exchange(told, true))
      log_line(log_level::warn,
               "waiting, at most for node.grace-ms: workers of an earlier run may still be stopping",
               {{"held", problem}});
    pollfd signalled{signal_fd_, POLLIN, 0};
    if (::poll(&signalled, 1, held_poll_ms) > 0)
      take_signals();
    if (stopping_)
      return {};
  }
}

/// Opens the sockets, unless the outbox in one of the workers' directories is in use.
std::string worker_parent::outbox_in_use() {
  for (size_t i = 0; i < seats_.size(); ++i)
    if (in_use(static_cast<int>(i) + 1))
      return path_of(static_cast<int>(i) + 1)
             + ": another process has the outbox there; stop it, or give "
               "this node its own data directory";
  return sockets_.open(cfg(), seats_.size());
}

int worker_parent::run() {
  for (size_t i = 0; i < seats_.size(); ++i)
    seats_[i] = {0, static_cast<int>(i) + 1, 0, snapshot_};
  find_left_outboxes();
  while (!stopping_ || !processes_.empty()) {
    start_due();
    go_on_reloading();
    wait_and_handle();
  }
  log_line(code_ == exit_success ? log_level::info : log_level::error, "all workers have ended",
           {{"exit_code", code_}});
  return code_;
}

worker_parent::process* worker_parent::find(pid_t pid) {
  auto i = std::find_if(processes_.begin(), processes_.end(), [pid](const auto& p) { return p.pid == pid; });
  return i == processes_.end() ? nullptr : &*i;
}

void worker_parent::start_due() {
  auto now = base::steady_ms();
  if (stopping_) {
    if (now >= kill_at_ms_ && kill_at_ms_ != 0) {
      log_line(log_level::error, "some workers did not end in time; ending them",
               {{"workers", processes_.size()}});
      code_ = exit_fatal;
      kill_all();
    }
    return;
  }
  end_overdue();
  for (size_t i = 0; i < seats_.size(); ++i) {
    auto& s = seats_[i];
    if (s.start_at_ms < 0 || s.start_at_ms > now)
      continue;
    s.start_at_ms = -1;
    auto snapshot = snapshot_for(i);
    s.holder = start_worker(i, s.directory, snapshot);
    if (s.holder <= 0)
      holder_ended({0, i, s.directory, -1, snapshot}, {"it cannot be started", exit_failure});
  }
  for (const auto& due : std::exchange(shippings_, {})) {
    if (due.at_ms > now)
      shippings_.push_back(due);
    else
      start_shipping(due.directory);
  }
}

/// A process that hangs while starting or stopping must not block its seat or a reload for ever.
void worker_parent::end_overdue() {
  auto now = base::steady_ms();
  for (auto& p : processes_) {
    if (p.due_ms > now)
      continue;
    log_line(log_level::error,
             p.ready ? "a replaced worker did not end in time; ending it"
                     : "a worker was not ready in workers.start-timeout-ms; ending it",
             {{"worker", p.seat + 1}, {"pid", p.pid}});
    p.due_ms = never;
    ::kill(p.pid, SIGKILL);
  }
}

int64_t worker_parent::next_due_ms() const {
  auto next = never;
  if (stopping_)
    return kill_at_ms_ != 0 ? kill_at_ms_ : next;
  for (const auto& s : seats_)
    if (s.start_at_ms >= 0)
      next = std::min(next, s.start_at_ms);
  for (const auto& p : processes_)
    next = std::min(next, p.due_ms);
  for (const auto& due : shippings_)
    next = std::min(next, due.at_ms);
  return next;
}

void worker_parent::wait_and_handle() {
  std::vector<pollfd> watched = {{signal_fd_, POLLIN, 0}};
  std::vector<pid_t> starting;
  for (const auto& p : processes_) {
    if (p.ready_fd < 0)
      continue;
    watched.push_back({p.ready_fd, POLLIN, 0});
    starting.push_back(p.pid);
  }
  constexpr int64_t turn_max_ms = 60'000;
  auto wait = std::clamp<int64_t>(next_due_ms() - base::steady_ms(), 0, turn_max_ms);
  if (::poll(watched.data(), watched.size(), static_cast<int>(wait)) <= 0)
    return; // something is due
  for (size_t i = 0; i < starting.size(); ++i)
    if (auto* p = find(starting[i]); p && watched[i + 1].revents != 0)
      take_ready(*p);
  if (watched.front().revents != 0)
    take_signals();
}

void worker_parent::take_ready(process& p) {
  char byte = 0;
  auto n = ::read(p.ready_fd, &byte, 1);
  ::close(p.ready_fd);
  p.ready_fd = -1;
  if (n != 1 || stopping_)
    return; // it ended instead; SIGCHLD reports that
  p.ready = true;
  p.due_ms = never;
  if (p.pid == successor_ || p.snapshot == next_)
    snapshot_ = p.snapshot;
  seats_[p.seat].snapshot = p.snapshot;
  seats_[p.seat].vain_starts = 0;
  if (p.pid == successor_) {
    successor_ready(p);
    return;
  }
  if (p.snapshot == next_)
    replaced(p.seat);
  tell_all_ready();
}

void worker_parent::tell_all_ready() {
  auto served = [this](const seat& s) {
    const auto* holder = find(s.holder);
    return holder && holder->ready;
  };
  if (all_were_ready_ || !std::all_of(seats_.begin(), seats_.end(), served))
    return;
  all_were_ready_ = true;
  auto url = url_of(cfg().text("http.address"), sockets_.port());
  log_line(log_level::info, "all workers are ready",
           {{"address", url}, {"workers", seats_.size()}, {"pid", ::getpid()}});
  // Scripts wait for exactly this line.
  std::printf("listening on %s\n", url.c_str());
  std::fflush(stdout);
}

void worker_parent::take_signals() {
  signalfd_siginfo info{};
  while (::read(signal_fd_, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info)))
    take_signal(static_cast<int>(info.ssi_signo));
  reap(); // one signal may stand for several ends
}

void worker_parent::take_signal(int number) {
  if (number == SIGCHLD)
    return;
  if (number == SIGHUP) {
    if (!stopping_)
      reload();
    return;
  }
  const char* name = number == SIGINT ? "SIGINT" : "SIGTERM";
  if (stopping_) {
    log_line(log_level::warn, "ending at once", {{"signal", name}});
    code_ = 128 + number;
    kill_all();
    return;
  }
  log_line(log_level::info, "stopping all workers; a second signal ends at once", {{"signal", name}});
  begin_stop(exit_success);
}

int64_t worker_parent::stop_max_ms() const {
  return cfg().integer("node.grace-ms") + stop_reserve_ms;
}

void worker_parent::begin_stop(int code) {
  stopping_ = true;
  code_ = code;
  kill_at_ms_ = base::steady_ms() + stop_max_ms();
  sockets_.shut_out_newcomers();
  for (const auto& p : processes_)
    ::kill(p.pid, SIGTERM);
}

void worker_parent::kill_all() {
  kill_at_ms_ = 0;
  for (const auto& p : processes_)
    ::kill(p.pid, SIGKILL);
}

} // namespace beckon::apps
