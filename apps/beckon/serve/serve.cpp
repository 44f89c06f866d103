#include "apps/beckon/serve/serve.hpp"

#include "apps/beckon/check/check_cluster.hpp"
#include "apps/beckon/commands/versions.hpp"
#include "apps/beckon/host/exit_code.hpp"
#include "apps/beckon/host/host.hpp"
#include "apps/beckon/serve/log.hpp"
#include "apps/beckon/serve/stop_signals.hpp"
#include "base/address_text.hpp"
#include "base/clock.hpp"
#include "storage/error.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unistd.h>

namespace beckon::apps {

namespace {

constexpr std::chrono::milliseconds ship_poll{100};
constexpr std::chrono::seconds teardown_max{5};

int fail(const std::string& what) {
  log_line(log_level::error, "the node cannot start: " + what);
  return exit_failure;
}

/// Ends the process if shutting down the actor system hangs: everything that could be saved is on disk by
/// then, and a node that never ends is worse.
class teardown_guard {
 public:
  explicit teardown_guard(int code) : thread_{[this, code] { run(code); }} {}

  ~teardown_guard() {
    {
      std::lock_guard<std::mutex> guard{mutex_};
      done_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  teardown_guard(const teardown_guard&) = delete;
  teardown_guard& operator=(const teardown_guard&) = delete;

 private:
  void run(int code) {
    std::unique_lock<std::mutex> lock{mutex_};
    if (changed_.wait_for(lock, teardown_max, [this] { return done_; }))
      return;
    log_line(log_level::error,
             code == exit_success
                 ? "some actors did not end in time; all data is on disk, ending without them"
                 : "some actors did not end in time; ending without them");
    flush_log();
    _exit(code);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;
};

std::string absolute(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::absolute(path, ignored).lexically_normal().string();
}

/// The sources of a node's start.
struct origin {
  std::string file;
  std::optional<worker_seat> seat;
};

void announce(const actors::node& node, const config::configuration& cfg, const origin& from) {
  auto url = url_of(node.address(), node.port());
  auto who = from.seat ? "worker " + std::to_string(from.seat->number) : "beckon";
  log_line(log_level::info, who + " is ready",
           {{"address", url},
            {"store", node.store_description()},
            {"data_dir", absolute(cfg.text("node.data-dir"))},
            {"config", from.file.empty() ? "none" : absolute(from.file)},
            {"version", std::string{program_version()}},
            {"pid", getpid()}});
  if (from.seat) {
    // The parent may have died; then its stop signal is on its way.
    (void)!::write(from.seat->ready, "r", 1);
    ::close(from.seat->ready);
    return;
  }
  // Scripts wait for exactly this line, and then read the log.
  flush_log();
  std::printf("listening on %s\n", url.c_str());
  std::fflush(stdout);
}

void warn_of_descriptors(const config::configuration& cfg) {
  auto wanted = descriptors_wanted(cfg);
  if (descriptors_max() < wanted)
    log_line(log_level::warn,
             "fewer descriptors than limits.connections-max needs; raise the limit with ulimit -n or "
             "LimitNOFILE=",
             {{"descriptors", descriptors_max()}, {"needed", wanted}});
}

const char* name_of(int signal_number) {
  return signal_number == SIGINT ? "SIGINT" : signal_number == SIGHUP ? "SIGHUP" : "SIGTERM";
}

void log_stopping(int signal_number, bool is_worker) {
  std::string_view how = "running requests are finished first; a second signal ends at once";
  if (is_worker)
    how = "running requests are finished first";
  std::string message = "stopping: ";
  if (signal_number == SIGHUP)
    message = "stopping: SIGHUP acts like SIGTERM (the configuration is read only at start): ";
  log_line(log_level::info, message.append(how), {{"signal", name_of(signal_number)}});
}

/// Waits for a signal or a fault; the exit code to end with.
int wait_for_end(stop_signals& signals, actors::node& node, bool is_worker) {
  node.on_change([&signals] { signals.nudge(); });
  for (;;) {
    int number = signals.wait_for(std::chrono::milliseconds{0});
    if (number != 0) {
      log_stopping(number, is_worker);
      return exit_success;
    }
    if (node.drain_asked()) {
      log_line(log_level::info, "stopping: an operator drains this node; its shards go to the others first");
      return exit_success;
    }
    if (auto reason = node.fatal_reason(); !reason.empty()) {
      log_line(log_level::error, "a fault after which this process must not go on", {{"reason", reason}});
      return exit_fatal;
    }
    signals.wait();
  }
}

/// Stops the node; returns the exit code, which is never success if something could not be saved.
int stop_node(actors::node& node, int code) {
  auto began_ms = base::steady_ms();
  auto cut_off = node.stop();
  auto took_ms = base::steady_ms() - began_ms;
  auto reason = node.fatal_reason();
  if (code == exit_success && !reason.empty()) {
    log_line(log_level::error,
             "the stop was not clean: answered requests are safe, unanswered ones may be lost",
             {{"reason", reason}});
    code = exit_fatal;
  }
  log_line(cut_off == 0 ? log_level::info : log_level::warn, "stopped",
           {{"cut_off_requests", cut_off}, {"took_ms", took_ms}, {"exit_code", code}});
  return code;
}

/// Runs until the outbox is empty, a signal or a fault; returns the exit code.
int ship(actors::node& node, stop_signals& signals) {
  log_line(log_level::info, "shipping the outbox of an earlier process",
           {{"events", node.events_waiting()}, {"pid", getpid()}});
  while (node.events_waiting() > 0 && node.fatal_reason().empty() && signals.wait_for(ship_poll) == 0)
    continue;
  auto code = stop_node(node, exit_success);
  return code == exit_success && node.events_waiting() > 0 ? exit_failure : code;
}

int run_node(caf::actor_system& system, const config::configuration& cfg, const origin& from,
             const actors::additions& added, stop_signals& signals) {
  actors::node_sockets sockets;
  if (from.seat)
    sockets = {from.seat->only_ships(), from.seat->shared, from.seat->own};
  constexpr std::chrono::milliseconds now{0};
  auto node = actors::node::start(system, cfg, added, sockets, [&] { return signals.wait_for(now) != 0; });
  if (!node && signals.wait_for(now) != 0) {
    log_line(log_level::info, "stopped before it was ready", {{"reason", storage::describe(node.error())}});
    return exit_success;
  }
  if (!node)
    return fail(storage::describe(node.error()));
  count_dropped_lines((*node)->registry());
  if (sockets.none)
    return ship(**node, signals);
  announce(**node, cfg, from);
  return stop_node(**node, wait_for_end(signals, **node, from.seat.has_value()));
}

} // namespace

std::string refusal_to_serve(const config::configuration& cfg) {
  const auto& address = cfg.text("http.address");
  auto kind = base::kind_of_address(address);
  if (kind == base::address_kind::none)
    return "http.address is \"" + address + "\", which is not an IP address; write one like 127.0.0.1 or ::1";
  if (kind == base::address_kind::other)
    return "http.address is " + address
           + ", which other hosts can reach, but nothing authenticates callers: anybody could "
             "change popups. Use 127.0.0.1 behind a proxy that authenticates callers";
  return prepare_directory(cfg.text("node.data-dir"));
}

int serve(const config::configuration& cfg, const std::string& file, const actors::additions& added,
          const std::optional<worker_seat>& seat) {
  start_logging(cfg);
  if (auto problem = refusal_of_cluster(cfg); !problem.empty()) {
    fail(problem);
    return exit_usage; // trying again does not help
  }
  if (auto problem = refusal_to_serve(cfg); !problem.empty())
    return fail(problem);
  raise_descriptor_limit();
  warn_of_descriptors(cfg);
  stop_signals signals{seat.has_value()};
  write_log_aside();
  caf::actor_system_config system_config;
  actors::prepare_system(system_config, cfg);
  auto system = std::make_unique<caf::actor_system>(system_config);
  auto code = run_node(*system, cfg, {file, seat}, added, signals);
  {
    teardown_guard guard{code};
    system.reset();
  }
  flush_log();
  return code;
}

} // namespace beckon::apps
