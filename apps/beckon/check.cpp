#include "apps/beckon/check.hpp"

#include "actors/node.hpp"
#include "apps/beckon/app.hpp"
#include "apps/beckon/host.hpp"
#include "apps/beckon/remote_catalog.hpp"
#include "apps/beckon/store_holder.hpp"
#include "net/http_broker.hpp"
#include "storage/error.hpp"

#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <sstream>
#include <sys/stat.h>
#include <sys/timex.h>
#include <system_error>
#include <unistd.h>

namespace beckon::apps {

namespace {

constexpr uint64_t free_bytes_wanted = 1024ULL * 1024 * 1024;

class report {
 public:
  void ok(const std::string& what) { line("ok", what); }
  void warn(const std::string& what, const std::string& remedy) { line("warn", what + "  — " + remedy); }
  void fail(const std::string& what) {
    failed_ = true;
    line("fail", what);
  }
  void fail(const std::string& what, const std::string& remedy) { fail(what + "  — " + remedy); }

  int exit_code() const { return failed_ ? exit_failure : exit_success; }

 private:
  static void line(const char* verdict, const std::string& what) {
    std::printf("%-5s %s\n", verdict, what.c_str());
  }

  bool failed_ = false;
};

void check_address(const config::configuration& cfg, report& out) {
  const auto& address = cfg.text("http.address");
  if (kind_of_address(address) == address_kind::none)
    out.fail("http.address " + address + " is no IP address", "write one like 127.0.0.1 or ::1");
  else if (kind_of_address(address) == address_kind::other)
    out.fail("http.address " + address + " is reached by other hosts, and no tokens are configured",
             "use 127.0.0.1 and put a proxy that checks callers in front");
  else
    out.ok("address " + address + " is reached by this host only");
}

/// Whether the directory is there and can be used.
bool check_directory(const config::configuration& cfg, report& out) {
  const auto& path = cfg.text("node.data-dir");
  bool missing = false;
  if (auto problem = inspect_directory(path, missing); !problem.empty()) {
    out.fail("data directory " + problem);
    return false;
  }
  if (missing) {
    out.ok("data directory " + path + " is made at the first start");
    return false;
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    out.warn("data directory " + path + " can be entered by other users", "chmod 700 " + path);
  else
    out.ok("data directory " + path);
  std::error_code status;
  auto space = std::filesystem::space(path, status);
  if (!status && space.available < free_bytes_wanted)
    out.warn("less than 1 GiB is free in " + path,
             "make room; a full disk refuses claims and events with 503");
  return true;
}

/// Whether the process that has the store open is the node that this configuration describes: it listens on
/// the configured port and says that it is alive. The place, or empty.
std::string place_of_node(const config::configuration& cfg, const store_holder& holder) {
  auto port = static_cast<uint16_t>(cfg.integer("http.port"));
  auto configured = url_of(cfg.text("http.address"), port);
  for (const auto& url : holder.urls)
    if ((port == 0 || url == configured) && remote_catalog{url}.alive())
      return url;
  return {};
}

/// The place of the running node that has the store; empty when none has.
std::string check_store(const config::configuration& cfg, report& out) {
  auto embedded = cfg.text("storage.backend") == "sqlite";
  std::error_code status;
  if (embedded && std::filesystem::is_empty(cfg.text("node.data-dir"), status)) {
    out.ok("store is made at the first start");
    return {};
  }
  auto store = actors::open_store(cfg);
  if (store) {
    out.ok("store opens: " + (*store)->describe());
    return {};
  }
  auto detail = storage::describe(store.error());
  if (!embedded || storage::code_of(store.error()) != storage::errc::unavailable) {
    out.fail("store: " + detail);
    return {};
  }
  auto holder = holder_of(store_lock_path(cfg));
  auto place = place_of_node(cfg, holder);
  if (place.empty())
    out.fail("store: " + detail, holder.urls.empty()
                                     ? "it does not answer as a node"
                                     : "it listens on " + holder.urls.front()
                                           + ", which is not what is configured here, or does not answer");
  else
    out.ok("store is in use by the running node, process " + std::to_string(holder.pid) + " at " + place);
  return place;
}

void check_port(const config::configuration& cfg, const std::string& node_place, report& out) {
  net::http_options options;
  options.address = cfg.text("http.address");
  options.port = static_cast<uint16_t>(cfg.integer("http.port"));
  options.backlog = static_cast<int>(cfg.integer("http.backlog"));
  options.reuse_port = cfg.boolean("http.reuse-port");
  if (kind_of_address(options.address) == address_kind::none)
    return;
  auto place = url_of(options.address, options.port);
  if (auto listening = net::open_listener(options)) {
    ::close(listening->fd);
    out.ok(options.port == 0 ? "port: any free one" : "port is free: " + place);
  } else if (node_place == place) {
    out.ok("port is in use, by that node: " + place);
  } else {
    out.fail("cannot listen on " + place, "stop what listens there, or take another with --http.port=N");
  }
}

void check_descriptors(const config::configuration& cfg, report& out) {
  auto wanted = static_cast<uint64_t>(cfg.integer("limits.connections-max")) + descriptors_reserve;
  auto text = std::to_string(descriptors_max()) + " descriptors, " + std::to_string(wanted) + " wanted";
  if (descriptors_max() < wanted)
    out.warn(text + " for limits.connections-max",
             "ulimit -n " + std::to_string(wanted) + ", LimitNOFILE= in the service, or a lower limit");
  else
    out.ok(text);
}

void check_kernel(const config::configuration& cfg, report& out) {
  auto backlog = cfg.integer("http.backlog");
  for (const auto* name : {"net/core/somaxconn", "net/ipv4/tcp_max_syn_backlog"}) {
    std::string dotted = name;
    for (char& c : dotted) {
      if (c == '/')
        c = '.';
    }
    auto value = kernel_setting(name);
    if (!value)
      out.warn(dotted + " cannot be read", "see that it is at least " + std::to_string(backlog));
    else if (*value < backlog)
      out.warn(dotted + " is " + std::to_string(*value) + ", below http.backlog " + std::to_string(backlog),
               "sysctl -w " + dotted + "=" + std::to_string(backlog));
    else
      out.ok(dotted + " is " + std::to_string(*value));
  }
}

void check_clock(report& out) {
  constexpr std::time_t plausible_from = 1'735'689'600;  // 2025-01-01
  constexpr std::time_t plausible_until = 4'102'444'800; // 2100-01-01
  auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  if (now < plausible_from || now > plausible_until) {
    out.fail("the clock is far off", "set it; every wait and every event is measured by it");
    return;
  }
  timex state{};
  if (::adjtimex(&state) == TIME_ERROR || (state.status & STA_UNSYNC) != 0)
    out.warn("the clock is not known to be synchronised", "run chrony or systemd-timesyncd");
  else
    out.ok("the clock is synchronised");
}

} // namespace

int check(const config::configuration& cfg) {
  report out;
  out.ok("configuration");
  check_address(cfg, out);
  auto store_there = check_directory(cfg, out) || cfg.text("storage.backend") != "sqlite";
  auto node_place = store_there ? check_store(cfg, out) : std::string{};
  check_port(cfg, node_place, out);
  check_descriptors(cfg, out);
  check_kernel(cfg, out);
  check_clock(out);
  return out.exit_code();
}

int check_refused(const std::string& problems) {
  report out;
  std::istringstream lines{problems};
  for (std::string line; std::getline(lines, line);)
    out.fail("configuration " + line);
  return out.exit_code();
}

} // namespace beckon::apps
