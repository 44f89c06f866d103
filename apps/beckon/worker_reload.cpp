#include "apps/beckon/log.hpp"
#include "apps/beckon/serve.hpp"
#include "apps/beckon/worker_parent.hpp"
#include "apps/beckon/workers.hpp"

#include <csignal>
#include <numeric>
#include <string_view>
#include <utility>

// How one worker after the other is replaced by one with a new configuration.
namespace beckon::apps {

void worker_parent::reload() {
  std::string problem;
  auto fresh = configuration_snapshot::take(from_, problem);
  if (fresh)
    problem = refusal_of_workers(fresh->values());
  if (problem.empty())
    problem = refusal_to_serve(fresh->values());
  if (!problem.empty()) {
    log_line(log_level::error, "the configuration is not taken over, nothing changes",
             {{"problem", problem}});
    return;
  }
  for (std::string_view key : {"workers.count", "workers.port-base", "http.port"})
    if (fresh->values().integer(key) != cfg().integer(key))
      log_line(log_level::warn, "this change needs a restart", {{"key", std::string{key}}});
  for (std::string_view key : {"http.address", "node.data-dir"})
    if (fresh->values().text(key) != cfg().text(key))
      log_line(log_level::warn, "this change needs a restart", {{"key", std::string{key}}});
  snapshot_ = std::move(fresh);
  // A successor that is starting now has the configuration of before: its seat comes again.
  to_replace_.resize(seats_.size());
  std::iota(to_replace_.begin(), to_replace_.end(), size_t{0});
  log_line(log_level::info, "replacing the workers, one after the other, for SIGHUP",
           {{"workers", seats_.size()}});
}

void worker_parent::go_on_reloading() {
  while (!stopping_ && successor_ == 0 && predecessor_ == 0 && !to_replace_.empty()) {
    auto index = to_replace_.front();
    const auto& s = seats_[index];
    const auto* holder = s.holder != 0 ? find(s.holder) : nullptr;
    if (holder && !holder->ready)
      return; // it is just being started: wait for what becomes of it
    to_replace_.erase(to_replace_.begin());
    if (holder) {
      successor_ = start_worker(index, free_directory());
      if (successor_ <= 0)
        successor_ended({0, index, 0}, "it cannot be started");
    }
    // A seat without a holder gets one with the new configuration when its start is due.
    if (to_replace_.empty() && successor_ == 0)
      log_line(log_level::info, "all workers have the new configuration");
  }
}

void worker_parent::successor_ready(const process& p) {
  auto& s = seats_[p.seat];
  successor_ = 0;
  predecessor_ = std::exchange(s.holder, p.pid);
  s.directory = p.directory;
  log_line(log_level::info, "a worker is replaced",
           {{"worker", p.seat + 1}, {"pid", p.pid}, {"before", predecessor_}});
  if (auto* before = find(predecessor_))
    ::kill(before->pid, SIGTERM);
  else
    predecessor_ = 0; // it died meanwhile
  if (s.start_at_ms >= 0)
    s.start_at_ms = -1;
  if (to_replace_.empty())
    log_line(log_level::info, "all workers have the new configuration");
}

void worker_parent::successor_ended(const process& p, const std::string& how) {
  successor_ = 0;
  to_replace_.clear();
  log_line(
      log_level::error,
      "a worker could not start with the new configuration; those that were not replaced stay as they are",
      {{"worker", p.seat + 1}, {"end", how}});
}

} // namespace beckon::apps
