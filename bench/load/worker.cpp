#include "bench/load/worker.hpp"

#include "bench/load/clock.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <system_error>
#include <unistd.h>

namespace beckon::load {

namespace {

constexpr int64_t tick_ns = 50'000'000;
constexpr int64_t second_ns = 1'000'000'000;
constexpr int64_t connect_all_ns = 3 * second_ns;
constexpr size_t connecting_max = 1024; // at a time, so that a node's backlog holds them

/// How long this thread stood ready without a core; 0 where the kernel does not tell.
int64_t waited_for_core_ns() {
  std::ifstream file{"/proc/thread-self/schedstat"};
  int64_t ran = 0;
  int64_t waited = 0;
  return file >> ran >> waited ? waited : 0;
}

} // namespace

worker::worker(const mix& m, worker_options options)
    : mix_(m),
      options_(std::move(options)),
      maker_(m, {options_.begin.seed, options_.begin.thread, options_.times.threads,
                 ledger_name(options_.begin.run, options_.begin.thread)}),
      jitter_(options_.begin.seed ^ 0x5851f42d4c957f2d) {}

worker::~worker() {
  slots_.clear();
  if (epoll_fd_ >= 0)
    ::close(epoll_fd_);
}

void worker::run(std::promise<void> ready, const std::shared_future<int64_t>& start_ns) {
  if (!open(ready))
    return;
  connect_all();
  ready.set_value();
  auto began_ns = options_.times.start_ns = start_ns.get();
  end_ns_ = began_ns + static_cast<int64_t>(options_.times.seconds) * second_ns;
  drain_until_ns_ = end_ns_ + options_.drain_ns;
  count_ = options_.closed_loop ? 0 : options_.times.count();
  auto cpu_ns = thread_cpu_ns();
  auto waited_ns = waited_for_core_ns();
  running_ = true;
  published_ns_ = began_ns;
  for (auto& s : slots_)
    s.free_since_ns = std::max(s.free_since_ns, began_ns);
  work();
  account(cpu_ns, waited_ns, began_ns);
  if (!ledger_.close() && figures_.failure.empty())
    figures_.failure = ledger_.problem();
}

bool worker::open(std::promise<void>& ready) {
  prctl(PR_SET_TIMERSLACK, 1); // wake when it is due, not 50 µs later
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd_ < 0)
    figures_.failure = "epoll_create1: " + std::generic_category().message(errno);
  else if (!options_.ledger.empty() && !ledger_.open(options_.ledger, options_.begin))
    figures_.failure = ledger_.problem();
  if (!figures_.failure.empty()) {
    ready.set_value();
    return false;
  }
  slots_.reserve(options_.connections);
  for (uint32_t i = 0; i < options_.connections; ++i) {
    // Threads begin at different nodes, so that few connections are spread as well.
    const auto& node = options_.nodes[(i + options_.begin.thread) % options_.nodes.size()];
    slots_.emplace_back(connection{epoll_fd_, i, node});
  }
  return true;
}

void worker::connect_all() {
  auto now = steady_ns();
  auto until = now + connect_all_ns;
  if (!mix_.keep_alive) {
    for (auto& s : slots_)
      make_available(s, now);
    return;
  }
  auto missing = [&] {
    return std::any_of(slots_.begin(), slots_.end(),
                       [](const slot& s) { return s.link.now() != connection::state::idle; });
  };
  while (missing() && (now = steady_ns()) < until && !stopping_) {
    tick(now);
    wait(now + tick_ns / 10);
  }
}

bool worker::over(int64_t now_ns) const {
  if (!figures_.failure.empty())
    return true;
  if (now_ns >= drain_until_ns_)
    return true;
  bool all_sent = options_.closed_loop ? now_ns >= end_ns_ || stopping_ : next_ >= count_;
  return all_sent && in_flight_ == 0 && maker_.resends() == 0;
}

void worker::work() {
  for (auto now = steady_ns(); !over(now); now = steady_ns()) {
    if (stopping_ && next_ < count_) { // an early end: what was not due yet never will be
      count_ = next_;
      end_ns_ = std::min(end_ns_, now);
      drain_until_ns_ = std::min(drain_until_ns_, now + options_.drain_ns);
    }
    drop_overdue(now);
    start_due();
    wait(wake_ns(steady_ns()));
    now = steady_ns();
    if (now - ticked_ns_ >= tick_ns)
      tick(now);
  }
  auto now = steady_ns();
  for (auto& s : slots_)
    if (s.link.now() == connection::state::busy)
      on_lost(s, fault::timed_out, now);
  figures_.not_sent += count_ - std::min(next_, count_);
  figures_.given_up += maker_.resends();
  publish(now + second_ns);
}

void worker::start_due() {
  for (;;) {
    auto now = steady_ns();
    auto due = next_arrival(now);
    if (!due)
      return;
    auto* s = take_available();
    if (!s)
      return;
    if (next_ < count_) // otherwise it is a batch that is sent again, or a closed loop
      ++next_;
    begin(*s, *due, now);
    if (!figures_.failure.empty())
      return;
  }
}

std::optional<int64_t> worker::next_arrival(int64_t now_ns) {
  if (options_.closed_loop) {
    if (now_ns < end_ns_ && !stopping_)
      return now_ns;
  } else if (next_ < count_) {
    auto due = options_.times.due_ns(next_);
    return due <= now_ns ? std::optional{due} : std::nullopt;
  }
  return maker_.has_resend(now_ns) ? std::optional{now_ns} : std::nullopt;
}

void worker::drop_overdue(int64_t now_ns) {
  while (next_ < count_ && options_.times.due_ns(next_) + options_.timeout_ns < now_ns) {
    ++next_;
    ++figures_.not_sent;
    ++window_.faults;
  }
}

int64_t worker::wake_ns(int64_t now_ns) const {
  auto wake = std::max(ticked_ns_ + tick_ns, now_ns);
  if (!available_.empty() && next_ < count_)
    wake = std::min(wake, options_.times.due_ns(next_));
  return std::max(wake, now_ns);
}

void worker::wait(int64_t until_ns) {
  std::array<epoll_event, 256> events;
  auto left = std::max<int64_t>(until_ns - steady_ns(), 0);
  timespec limit{left / second_ns, left % second_ns};
  int count = epoll_pwait2(epoll_fd_, events.data(), events.size(), &limit, nullptr);
  if (count < 0 && errno != EINTR)
    figures_.failure = "epoll_pwait2: " + std::generic_category().message(errno);
  for (int i = 0; i < count; ++i)
    handle(slots_[events[static_cast<size_t>(i)].data.u32], events[static_cast<size_t>(i)].events);
}

void worker::handle(slot& s, uint32_t events) {
  auto now = steady_ns();
  switch (s.link.now()) {
  case connection::state::away:
    return; // closed by an earlier event of the same wait
  case connection::state::connecting:
    if (s.link.connected() == connection::result::ok)
      on_connected(s, now);
    else
      on_connect_failed(s, now);
    return;
  default:
    break;
  }
  if ((events & EPOLLOUT) != 0 && s.link.flush() == connection::result::failed)
    on_lost(s, fault::lost, now);
  else if ((events & ~EPOLLOUT) != 0)
    on_receive(s, now);
}

void worker::tick(int64_t now_ns) {
  ticked_ns_ = now_ns;
  size_t connecting = 0;
  for (auto& s : slots_) {
    auto state = s.link.now();
    if (state == connection::state::connecting)
      ++connecting;
    if (state == connection::state::away) {
      if (s.retry_at_ns > now_ns)
        continue;
      if (!mix_.keep_alive && !s.available)
        make_available(s, now_ns);
      else if (mix_.keep_alive && connecting < connecting_max) {
        connect(s, now_ns);
        ++connecting;
      }
    } else if (state != connection::state::idle && s.deadline_ns < now_ns) {
      if (state == connection::state::connecting)
        on_connect_failed(s, now_ns);
      else
        on_lost(s, fault::timed_out, now_ns);
    }
  }
  publish(now_ns);
}

void worker::publish(int64_t now_ns) {
  if (now_ns - published_ns_ < tick_ns || !running_)
    return;
  published_ns_ = now_ns;
  window_.in_flight = in_flight_;
  std::lock_guard guard{shared_mutex_};
  shared_.in_flight = 0;
  shared_.merge(window_);
  window_ = {};
}

window worker::take_window() {
  std::lock_guard guard{shared_mutex_};
  window result;
  result.merge(shared_);
  shared_.latency.clear();
  shared_.answered = shared_.faults = 0;
  return result;
}

void worker::account(int64_t cpu_ns, int64_t waited_ns, int64_t wall_ns) {
  figures_.cpu_ns = thread_cpu_ns() - cpu_ns;
  figures_.waited_ns = waited_for_core_ns() - waited_ns;
  figures_.wall_ns = steady_ns() - wall_ns;
}

} // namespace beckon::load
