#include "apps/beckon/serve.hpp"

#include "apps/beckon/app.hpp"
#include "apps/beckon/host.hpp"
#include "apps/beckon/log.hpp"
#include "apps/beckon/stop_signals.hpp"
#include "apps/beckon/versions.hpp"
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

constexpr std::chrono::milliseconds fault_poll{100};
constexpr std::chrono::seconds teardown_max{5};

int fail(const std::string& what) {
  log_line(log_level::error, "the node cannot start: " + what);
  return exit_failure;
}

/// Ends the process when taking the actor system down hangs: everything of worth is on disk by then, and a
/// node that never ends is worse for whoever waits for it.
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
    log_line(log_level::error, "some actors did not end in time; all data is on disk, ending without them");
    _exit(code);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;
};

/// What can be refused before anything is started; empty when nothing.
std::string refusal(const config::configuration& cfg) {
  const auto& address = cfg.text("http.address");
  auto kind = kind_of_address(address);
  if (kind == address_kind::none)
    return "http.address is \"" + address + "\", which is no IP address; write one like 127.0.0.1 or ::1";
  if (kind == address_kind::other)
    return "http.address is " + address
           + ", which other hosts reach, but no tokens are configured: anybody could "
             "change popups. Use 127.0.0.1 and put a proxy that checks callers in front";
  return prepare_directory(cfg.text("node.data-dir"));
}

void announce(const actors::node& node, const config::configuration& cfg) {
  auto url = url_of(node.address(), node.port());
  std::error_code ignored;
  auto directory = std::filesystem::absolute(cfg.text("node.data-dir"), ignored).lexically_normal().string();
  log_line(log_level::info, "beckon is ready",
           {{"address", url},
            {"store", node.store_description()},
            {"data_dir", directory},
            {"version", std::string{program_version()}},
            {"pid", std::to_string(getpid())}});
  // Scripts wait for this very line.
  std::printf("listening on %s\n", url.c_str());
  std::fflush(stdout);
}

void warn_of_descriptors(const config::configuration& cfg) {
  auto wanted = static_cast<uint64_t>(cfg.integer("limits.connections-max")) + descriptors_reserve;
  if (descriptors_max() < wanted)
    log_line(log_level::warn,
             "fewer descriptors than limits.connections-max needs; raise the limit with ulimit -n or "
             "LimitNOFILE=",
             {{"descriptors", std::to_string(descriptors_max())}, {"needed", std::to_string(wanted)}});
}

/// Waits for a signal or a fault; the exit code to end with.
int wait_for_end(stop_signals& signals, const actors::node& node) {
  for (;;) {
    if (int number = signals.wait_for(fault_poll); number != 0) {
      log_line(log_level::info, "stopping: requests in work are finished first; a second signal ends at once",
               {{"signal", number == SIGINT ? "SIGINT" : "SIGTERM"}});
      return exit_success;
    }
    if (auto reason = node.fatal_reason(); !reason.empty()) {
      log_line(log_level::error, "a fault after which this process must not go on", {{"reason", reason}});
      return exit_fatal;
    }
  }
}

int run_node(caf::actor_system& system, const config::configuration& cfg,
             const std::vector<actors::extension>& extensions, stop_signals& signals) {
  auto node = actors::node::start(system, cfg, extensions);
  if (!node)
    return fail(storage::describe(node.error()));
  announce(**node, cfg);
  auto code = wait_for_end(signals, **node);
  auto began = std::chrono::steady_clock::now();
  auto cut_off = (*node)->stop();
  auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  log_line(cut_off == 0 ? log_level::info : log_level::warn, "stopped",
           {{"cut_off_requests", std::to_string(cut_off)}, {"took_ms", std::to_string(took.count())}});
  return code;
}

} // namespace

int serve(const config::configuration& cfg, const std::vector<actors::extension>& extensions) {
  start_logging(cfg);
  if (auto problem = refusal(cfg); !problem.empty())
    return fail(problem);
  raise_descriptor_limit();
  warn_of_descriptors(cfg);
  stop_signals signals;
  caf::actor_system_config system_config;
  actors::prepare_system(system_config, cfg);
  auto system = std::make_unique<caf::actor_system>(system_config);
  auto code = run_node(*system, cfg, extensions, signals);
  teardown_guard guard{code};
  system.reset();
  return code;
}

} // namespace beckon::apps
