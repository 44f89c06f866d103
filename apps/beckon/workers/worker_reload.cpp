#include "apps/beckon/check/check_cluster.hpp"
#include "apps/beckon/check/check_workers.hpp"
#include "apps/beckon/serve/log.hpp"
#include "apps/beckon/serve/serve.hpp"
#include "apps/beckon/workers/worker_parent.hpp"
#include "apps/beckon/workers/workers.hpp"
#include "base/clock.hpp"

#include <algorithm>
#include <csignal>
#include <numeric>
#include <string_view>
#include <utility>

// Replaces one worker after the other by one with a new configuration.
namespace beckon::apps {

void worker_parent::reload() {
  std::string problem;
  auto fresh = configuration_snapshot::take(from_, problem);
  if (fresh)
    problem = refusal_of_cluster(fresh->values());
  if (problem.empty())
    problem = refusal_of_workers(fresh->values());
  if (problem.empty())
    problem = refusal_to_serve(fresh->values());
  if (!problem.empty()) {
    log_line(log_level::error, "the new configuration is refused, nothing changes", {{"problem", problem}});
    return;
  }
  for (std::string_view key : {"workers.count", "workers.port-base", "http.port"})
    if (fresh->values().integer(key) != cfg().integer(key))
      log_line(log_level::warn, "this change needs a restart", {{"key", std::string{key}}});
  for (std::string_view key : {"http.address", "node.data-dir"})
    if (fresh->values().text(key) != cfg().text(key))
      log_line(log_level::warn, "this change needs a restart", {{"key", std::string{key}}});
  next_ = std::move(fresh);
  // A successor that is starting now has the previous configuration, so its seat must be replaced again.
  to_replace_.resize(seats_.size());
  std::iota(to_replace_.begin(), to_replace_.end(), size_t{0});
  log_line(log_level::info, "SIGHUP: replacing the workers, one after the other",
           {{"workers", seats_.size()}});
}

bool worker_parent::is_to_be_replaced(size_t seat_index) const {
  return std::find(to_replace_.begin(), to_replace_.end(), seat_index) != to_replace_.end();
}

/// The configuration for a seat without a holder: its last one, which has worked. During a reload, the
/// new one as soon as another worker answers with it, or if no other worker is left to try it.
snapshot_ptr worker_parent::snapshot_for(size_t seat_index) const {
  auto nobody_answers = std::none_of(processes_.begin(), processes_.end(),
                                     [](const auto& p) { return p.seat != shipper && p.ready; });
  if (is_to_be_replaced(seat_index) && successor_ == 0 && (snapshot_ == next_ || nobody_answers))
    return next_;
  return seats_[seat_index].snapshot;
}

/// Replaces one seat at a time, and only seats that are served: the others follow when they are served
/// again.
void worker_parent::go_on_reloading() {
  if (stopping_ || !all_were_ready_ || successor_ != 0 || predecessor_ != 0)
    return;
  for (auto index : to_replace_) {
    const auto* holder = seats_[index].holder > 0 ? find(seats_[index].holder) : nullptr;
    if (!holder || !holder->ready)
      continue;
    successor_ = start_worker(index, free_directory(), next_);
    if (successor_ <= 0)
      successor_ended({0, index, 0, -1, next_}, "it cannot be started");
    return;
  }
}

void worker_parent::successor_ready(const process& p) {
  auto& s = seats_[p.seat];
  successor_ = 0;
  auto directory = std::exchange(s.directory, p.directory);
  predecessor_ = std::exchange(s.holder, p.pid);
  s.start_at_ms = -1;
  log_line(log_level::info, "a worker is replaced",
           {{"worker", p.seat + 1}, {"pid", p.pid}, {"before", predecessor_}});
  if (auto* before = find(predecessor_)) {
    before->due_ms = base::steady_ms() + stop_max_ms();
    ::kill(before->pid, SIGTERM);
  } else { // it has died
    predecessor_ = 0;
    ship_later(directory, 0);
  }
  if (p.snapshot == next_) // otherwise another SIGHUP came, and the seat is replaced again
    replaced(p.seat);
}

void worker_parent::replaced(size_t seat_index) {
  to_replace_.erase(std::remove(to_replace_.begin(), to_replace_.end(), seat_index), to_replace_.end());
  if (!to_replace_.empty())
    return;
  next_.reset();
  log_line(log_level::info, "all workers have the new configuration");
}

void worker_parent::successor_ended(const process& p, const std::string& how) {
  successor_ = 0;
  log_line(log_level::error, "a worker could not start with the new configuration",
           {{"worker", p.seat + 1}, {"end", how}});
  if (p.snapshot == next_) // otherwise it is an older one, and the newer is still to be tried
    give_up_reloading();
}

void worker_parent::give_up_reloading() {
  next_.reset();
  to_replace_.clear();
  log_line(log_level::error, "the reload is abandoned; workers not yet replaced keep their configuration");
}

} // namespace beckon::apps
