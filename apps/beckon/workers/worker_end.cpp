#include "apps/beckon/host/exit_code.hpp"
#include "apps/beckon/serve/log.hpp"
#include "apps/beckon/workers/worker_parent.hpp"
#include "base/clock.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

// What to do when a process has ended, whatever its role.
namespace beckon::apps {

worker_parent::process_end worker_parent::end_of(int status) {
  if (WIFSIGNALED(status))
    return {"signal " + std::to_string(WTERMSIG(status)), exit_failure, WTERMSIG(status)};
  return {"exit code " + std::to_string(WEXITSTATUS(status)), WEXITSTATUS(status)};
}

void worker_parent::reap() {
  int status = 0;
  pid_t pid = 0;
  while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0)
    forget(pid, end_of(status));
  if (pid == 0 || errno != ECHILD)
    return;
  // There are no children left, so what is still listed has ended and somebody else collected its status.
  while (!processes_.empty())
    forget(processes_.front().pid, {"an end that is not known", exit_failure});
}

void worker_parent::forget(pid_t pid, const process_end& end) {
  auto* p = find(pid);
  if (p == nullptr)
    return;
  auto gone = *p;
  processes_.erase(processes_.begin() + (p - processes_.data()));
  if (gone.ready_fd >= 0)
    ::close(gone.ready_fd);
  ended(gone, end);
}

void worker_parent::ended(const process& p, const process_end& end) {
  auto clean = end.code == exit_success;
  if (p.seat == shipper) {
    if (!clean && !stopping_) {
      log_line(log_level::warn, "an outbox could not be shipped; trying again",
               {{"data_dir", path_of(p.directory)}, {"end", end.how}});
      ship_later(p.directory, base::steady_ms() + shipping_retry_ms);
    }
    return;
  }
  if (stopping_) {
    ended_while_stopping(p, end);
    return;
  }
  if (p.pid == successor_) {
    ship_later(p.directory, 0);
    successor_ended(p, end.how);
    return;
  }
  if (p.pid == predecessor_) {
    ship_later(p.directory, 0);
    predecessor_ = 0;
    log_line(clean ? log_level::info : log_level::warn, "a replaced worker has ended",
             {{"worker", p.seat + 1}, {"pid", p.pid}, {"end", end.how}});
    return;
  }
  holder_ended(p, end);
}

void worker_parent::ended_while_stopping(const process& p, const process_end& end) {
  // A worker that was not ready has answered no request, so it left nothing undone.
  auto told = end.signal == SIGTERM || (end.signal == 0 && end.code == exit_failure);
  auto clean = end.code == exit_success || (!p.ready && told);
  if (clean)
    return;
  if (code_ == exit_success)
    code_ = exit_fatal;
  log_line(log_level::error, "a worker did not end cleanly", {{"worker", p.seat + 1}, {"end", end.how}});
}

void worker_parent::holder_ended(const process& p, const process_end& end) {
  auto& s = seats_[p.seat];
  s.holder = 0;
  if (!all_were_ready_) {
    log_line(log_level::error, "a worker could not start", {{"worker", p.seat + 1}, {"end", end.how}});
    begin_stop(end.code == exit_success ? exit_failure : end.code);
    return;
  }
  if (next_ && p.snapshot == next_ && s.snapshot != next_)
    give_up_reloading();
  auto now = base::steady_ms();
  // An operator did this, so it is not a fault; but clients that connect to its socket need a worker.
  if (p.ready && end.signal == 0 && end.code == exit_success) {
    s.start_at_ms = now + cfg().integer("supervisor.backoff-ms");
    log_line(log_level::info,
             "a worker was drained; another one takes its place. To stop all workers, stop this process",
             {{"worker", p.seat + 1}, {"pid", p.pid}});
    return;
  }
  // The store may be down, or a certificate expired. Neither more restarts nor stopping the other workers
  // helps.
  if (!p.ready && end.signal == 0 && (end.code == exit_failure || end.code == exit_usage)) {
    auto wait = std::min(cfg().integer("supervisor.backoff-ms") << std::min<uint32_t>(s.vain_starts++, 10),
                         vain_start_pause_max_ms);
    log_line(log_level::error, "a worker cannot start; trying again, the others go on",
             {{"worker", p.seat + 1}, {"end", end.how}, {"in_ms", wait}});
    s.start_at_ms = now + wait;
    return;
  }
  while (!restarts_ms_.empty() && restarts_ms_.front() < now - cfg().integer("supervisor.restart-window-ms"))
    restarts_ms_.pop_front();
  auto pause = cfg().integer("supervisor.backoff-ms") << std::min<size_t>(restarts_ms_.size(), 10);
  restarts_ms_.push_back(now);
  if (static_cast<int64_t>(restarts_ms_.size()) > cfg().integer("supervisor.restarts-max")) {
    log_line(log_level::error, "workers keep dying; stopping all",
             {{"worker", p.seat + 1}, {"end", end.how}, {"restarts", restarts_ms_.size() - 1}});
    begin_stop(exit_fatal);
    return;
  }
  log_line(log_level::error, "a worker died; restarting it",
           {{"worker", p.seat + 1}, {"pid", p.pid}, {"end", end.how}, {"in_ms", pause}});
  s.start_at_ms = now + pause;
}

} // namespace beckon::apps
