#include "apps/beckon/check/check.hpp"

#include "actors/node/open_store.hpp"
#include "apps/beckon/check/check_cluster.hpp"
#include "apps/beckon/check/check_database.hpp"
#include "apps/beckon/check/check_kernel.hpp"
#include "apps/beckon/check/check_report.hpp"
#include "apps/beckon/check/check_workers.hpp"
#include "apps/beckon/commands/remote_catalog.hpp"
#include "apps/beckon/commands/store_holder.hpp"
#include "apps/beckon/host/exit_code.hpp"
#include "apps/beckon/host/host.hpp"
#include "base/address_text.hpp"
#include "base/clock.hpp"
#include "net/http_broker.hpp"
#include "storage/error.hpp"

#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <sstream>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/timex.h>
#include <system_error>
#include <unistd.h>

namespace beckon::apps {

namespace {

constexpr uint64_t free_bytes_wanted = 1024ULL * 1024 * 1024;

void check_address(const config::configuration& cfg, check_report& out) {
  const auto& address = cfg.text("http.address");
  if (base::kind_of_address(address) == base::address_kind::none)
    out.fail("http.address " + address + " is not an IP address", "write one like 127.0.0.1 or ::1");
  else if (base::kind_of_address(address) == base::address_kind::other)
    out.fail("http.address " + address
                 + " can be reached from other hosts, and nothing authenticates callers",
             "use 127.0.0.1 behind a proxy that authenticates callers");
  else
    out.ok("address " + address + " is reachable from this host only");
}

/// The file system below the data directory, existing or future.
void check_file_system(const std::string& path, check_report& out) {
  struct statfs info {};
  if (::statfs(path.c_str(), &info) != 0)
    return;
  if (auto risk = risk_of_file_system(static_cast<uint32_t>(info.f_type)))
    out.warn("data directory " + path + ": the file system (" + risk->name + ") " + risk->risk,
             "name a directory on a local disk with --node.data-dir=DIR");
  std::error_code status;
  auto space = std::filesystem::space(path, status);
  if (!status && space.available < free_bytes_wanted)
    out.warn("less than 1 GiB is free in " + path,
             "free some space; on a full disk claims fail and events get 503");
}

/// Whether the directory exists and is usable.
bool check_directory(const config::configuration& cfg, check_report& out) {
  const auto& path = cfg.text("node.data-dir");
  bool missing = false;
  if (auto problem = inspect_directory(path, missing); !problem.empty()) {
    out.fail("data directory " + problem);
    return false;
  }
  if (missing) {
    out.ok("data directory " + path + " is created at the first start");
    check_file_system(existing_parent(path).string(), out);
    return false;
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    out.warn("data directory " + path + " is open to other users", "chmod 700 " + path);
  else
    out.ok("data directory " + path);
  check_file_system(path, out);
  return true;
}

/// The URL of the node that has the store open, if it is the configured one: it listens on the configured
/// port and answers. Otherwise empty.
std::string place_of_node(const config::configuration& cfg, const store_holder& holder) {
  auto port = static_cast<uint16_t>(cfg.integer("http.port"));
  auto configured = url_of(cfg.text("http.address"), port);
  for (const auto& url : holder.urls)
    if ((port == 0 || url == configured) && remote_catalog{url}.alive())
      return url;
  return {};
}

/// The URL of the running node that has the embedded store open; empty if none has.
std::string check_store(const config::configuration& cfg, check_report& out) {
  std::error_code status;
  if (!std::filesystem::exists(cfg.text("node.data-dir") + "/beckon.db", status)) {
    out.ok("store is created at the first start");
    return {};
  }
  auto store = actors::open_store(cfg);
  if (store) {
    out.ok("store opens: " + (*store)->describe());
    return {};
  }
  auto detail = storage::describe(store.error());
  if (storage::code_of(store.error()) != storage::errc::unavailable) {
    out.fail("store: " + detail);
    return {};
  }
  auto holder = holder_of(store_lock_path(cfg));
  auto place = place_of_node(cfg, holder);
  if (place.empty())
    out.fail("store: " + detail, holder.urls.empty()
                                     ? "it does not answer as a node"
                                     : "it listens on " + holder.urls.front()
                                           + ", which is not the configured port, or does not answer");
  else
    out.ok("store is in use by the running node, process " + std::to_string(holder.pid) + " at " + place);
  return place;
}

/// The node of this configuration, if it is running.
struct present_node {
  std::string place; // of the node with the embedded store
  own_node member = own_node::unknown;
};

void check_port(const config::configuration& cfg, int64_t port, const present_node& node, check_report& out) {
  net::http_options options;
  options.address = cfg.text("http.address");
  options.port = static_cast<uint16_t>(port);
  options.backlog = static_cast<int>(cfg.integer("http.backlog"));
  options.reuse_port = cfg.boolean("http.reuse-port");
  if (base::kind_of_address(options.address) == base::address_kind::none)
    return;
  auto place = url_of(options.address, options.port);
  if (auto listening = net::open_listener(options)) {
    ::close(listening->fd);
    out.ok(options.port == 0 ? "port: any free one" : "port is free: " + place);
  } else if (node.place == place) {
    out.ok("port is in use, by that node: " + place);
  } else if (cfg.text("storage.backend") != "sqlite" && node.member != own_node::absent
             && remote_catalog{place}.alive()) {
    out.ok("port is in use, by a node that is alive: " + place);
  } else {
    out.fail("cannot listen on " + place,
             "stop the program that listens there, or choose another port with --http.port=N");
  }
}

void check_ports(const config::configuration& cfg, const present_node& node, check_report& out) {
  check_port(cfg, cfg.integer("http.port"), node, out);
  auto base = cfg.integer("workers.port-base");
  for (int64_t worker = 1; base > 0 && worker <= cfg.integer("workers.count"); ++worker)
    check_port(cfg, base + worker, node, out);
}

void check_clock(check_report& out) {
  constexpr int64_t plausible_from = 1'735'689'600;  // 2025-01-01
  constexpr int64_t plausible_until = 4'102'444'800; // 2100-01-01
  auto now = base::unix_ms() / 1000;
  if (now < plausible_from || now > plausible_until) {
    out.fail("the clock is far off", "set it; waits and event times depend on it");
    return;
  }
  timex state{};
  if (::adjtimex(&state) == TIME_ERROR || (state.status & STA_UNSYNC) != 0)
    out.warn("the clock may not be synchronised", "run chrony or systemd-timesyncd");
  else
    out.ok("the clock is synchronised");
}

} // namespace

int check(const config::configuration& cfg) {
  check_report out{stdout};
  out.ok("configuration");
  check_address(cfg, out);
  check_workers(cfg, out);
  auto directory_there = check_directory(cfg, out);
  present_node node;
  if (cfg.text("storage.backend") == "sqlite") {
    if (directory_there)
      node.place = check_store(cfg, out);
    check_embedded(cfg.text("node.data-dir") + "/beckon.db", out);
  } else {
    check_servers(cfg, out);
  }
  node.member = check_cluster(cfg, out);
  check_ports(cfg, node, out);
  const kernel_settings kernel;
  check_descriptors(cfg, kernel, present_descriptor_limits(), out);
  check_connecting(cfg, kernel, out);
  check_ports_and_time_wait(cfg, kernel, out);
  check_clock(out);
  return out.failed() ? exit_failure : exit_success;
}

int check_refused(const std::string& problems) {
  check_report out{stdout};
  std::istringstream lines{problems};
  for (std::string line; std::getline(lines, line);)
    out.fail("configuration " + line);
  return exit_failure;
}

} // namespace beckon::apps
