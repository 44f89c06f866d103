#include "actors/node/open_store.hpp"
#include "apps/beckon/check/check_kernel.hpp"
#include "apps/beckon/host/host.hpp"
#include "base/address_text.hpp"

#include <algorithm>
#include <set>
#include <sstream>

// The ports that the kernel may use for outgoing connections.
namespace beckon::apps {

namespace {

const std::string reserved_name = "net.ipv4.ip_local_reserved_ports";

struct port_range {
  int64_t first = 0;
  int64_t last = -1;

  int64_t count() const { return last - first + 1; }
  bool has(int64_t port) const { return first <= port && port <= last; }
};

/// "8080" or "1-9,8080".
std::vector<port_range> ranges_in(const std::string& list) {
  std::vector<port_range> result;
  std::istringstream entries{list};
  for (std::string entry; std::getline(entries, entry, ',');) {
    std::istringstream numbers{entry};
    port_range range;
    if (!(numbers >> range.first))
      continue;
    range.last = range.first;
    if (numbers.peek() == '-')
      numbers.ignore() >> range.last;
    result.push_back(range);
  }
  return result;
}

/// "8080,9101-9104"; `ports` in their order.
std::string list_of(const std::set<int64_t>& ports) {
  std::string result;
  for (auto i = ports.begin(); i != ports.end();) {
    auto first = *i;
    auto last = first;
    while (++i != ports.end() && *i == last + 1)
      last = *i;
    result += (result.empty() ? "" : ",") + std::to_string(first);
    if (last != first)
      result += '-' + std::to_string(last);
  }
  return result;
}

/// Ports that this node listens on.
std::set<int64_t> own_ports(const config::configuration& cfg) {
  std::set<int64_t> result;
  if (auto port = cfg.integer("http.port"); port != 0)
    result.insert(port);
  auto base = cfg.integer("workers.port-base");
  for (int64_t worker = 1; base > 0 && worker <= cfg.integer("workers.count"); ++worker)
    result.insert(base + worker);
  return result;
}

/// Ports of its databases, if they are on this host.
std::set<int64_t> database_ports(const config::configuration& cfg) {
  std::set<int64_t> result;
  if (cfg.text("storage.backend") != "mysql")
    return result;
  if (auto databases = actors::mysql_databases(cfg)) // otherwise the check of the databases reports it
    for (const auto& o : *databases)
      if (o.socket.empty()
          && (o.host == "localhost" || base::kind_of_address(o.host) == base::address_kind::loopback))
        result.insert(o.port);
  return result;
}

/// The command that reserves the missing ports of the range; empty if none is missing.
std::string reserve(const std::set<int64_t>& ports, port_range range, const std::string& reserved) {
  auto known = ranges_in(reserved);
  std::set<int64_t> missing;
  for (auto port : ports)
    if (range.has(port)
        && std::none_of(known.begin(), known.end(), [port](const auto& r) { return r.has(port); }))
      missing.insert(port);
  if (missing.empty())
    return {};
  return sysctl_command(reserved_name, reserved + (known.empty() ? "" : ",") + list_of(missing));
}

void check_port_range(const config::configuration& cfg, const kernel_settings& kernel, check_report& out) {
  const std::string name = "net.ipv4.ip_local_port_range";
  constexpr port_range widest{1024, 65535};
  port_range range;
  std::istringstream numbers{kernel.text(name)};
  if (!(numbers >> range.first >> range.last)) {
    out.warn(name + " cannot be read", "a proxy on this host needs one port for each connection to the node");
    return;
  }
  auto connections = cfg.integer("limits.connections-max") * processes_of(cfg);
  auto reserved = kernel.text(reserved_name);
  auto text = name + " is " + std::to_string(range.first) + "-" + std::to_string(range.last);
  auto ports = own_ports(cfg);
  if (range.count() < connections) {
    auto others = database_ports(cfg);
    auto all = ports;
    all.insert(others.begin(), others.end());
    auto first = reserve(all, widest, reserved);
    out.warn(text + ": a proxy on this host can have " + std::to_string(range.count())
                 + " connections to one address and port, and " + std::to_string(connections)
                 + " are allowed here",
             "let the proxy keep fewer connections open and reuse them, or " + first
                 + (first.empty() ? "" : ", and then ") + sysctl_command(name, "\"1024 65535\"")
                 + "; first reserve every other port from 1024 on that a program listens on");
  } else {
    out.ok(text + ": enough for a proxy on this host");
  }
  if (auto command = reserve(ports, range, reserved); !command.empty())
    out.warn("ports that this node listens on are in " + name
                 + " and not reserved: an outgoing connection may take one before the node starts",
             command + ", or take ports below " + std::to_string(range.first));
}

} // namespace

void check_ports_and_time_wait(const config::configuration& cfg, const kernel_settings& kernel,
                               check_report& out) {
  check_port_range(cfg, kernel, out);
  const std::string reuse = "net.ipv4.tcp_tw_reuse";
  if (auto value = kernel.number(reuse)) {
    const char* meaning = *value == 0 ? "off" : *value == 2 ? "for loopback only" : "on";
    out.ok(
        reuse + " is " + std::to_string(*value) + " (" + meaning
        + "): it helps the side that connects, such as a proxy, not the node; connections that are kept open "
          "need no help");
  }
  const std::string buckets = "net.ipv4.tcp_max_tw_buckets";
  if (auto value = kernel.number(buckets))
    out.ok(buckets + " is " + std::to_string(*value)
           + ": TIME_WAIT holds connections closed per second × 60 s, on the side that closes; beyond this "
             "number the kernel drops them early");
}

} // namespace beckon::apps
