#include "apps/beckon/check_kernel.hpp"

#include "apps/beckon/host.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <sys/resource.h>

namespace beckon::apps {

namespace {

std::string set_to(const std::string& name, const std::string& value) {
  return "sysctl -w " + name + '=' + value;
}

int64_t processes(const config::configuration& cfg) {
  return std::max<int64_t>(1, cfg.integer("workers.count"));
}

/// Connections that clients may have open to all processes together.
int64_t connections(const config::configuration& cfg) {
  return cfg.integer("limits.connections-max") * processes(cfg);
}

/// "8080" or "1-9,8080": whether one of the entries has the port.
bool lists_port(const std::string& list, int64_t port) {
  std::istringstream entries{list};
  for (std::string entry; std::getline(entries, entry, ',');) {
    int64_t first = 0;
    std::istringstream numbers{entry};
    if (!(numbers >> first))
      continue;
    int64_t last = first;
    if (numbers.peek() == '-')
      numbers.ignore() >> last;
    if (first <= port && port <= last)
      return true;
  }
  return false;
}

} // namespace

std::string kernel_settings::text(const std::string& name) const {
  auto path = name;
  std::replace(path.begin(), path.end(), '.', '/');
  std::ifstream in{root + path};
  std::string line;
  std::getline(in, line);
  return line;
}

std::optional<int64_t> kernel_settings::number(const std::string& name) const {
  std::istringstream in{text(name)};
  int64_t value = 0;
  if (in >> value)
    return value;
  return std::nullopt;
}

descriptor_limits present_descriptor_limits() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return {};
  return {limit.rlim_cur, limit.rlim_max};
}

void check_descriptors(const config::configuration& cfg, const kernel_settings& kernel,
                       descriptor_limits limits, check_report& out) {
  auto wanted = static_cast<uint64_t>(cfg.integer("limits.connections-max")) + descriptors_reserve;
  auto text =
      std::to_string(limits.hard) + " descriptors for a process, " + std::to_string(wanted) + " wanted";
  if (limits.hard < wanted) {
    auto remedy = "ulimit -n " + std::to_string(wanted) + ", LimitNOFILE= in the service, or a lower limit";
    if (auto ceiling = kernel.number("fs.nr_open"); ceiling && static_cast<uint64_t>(*ceiling) < wanted)
      remedy = set_to("fs.nr_open", std::to_string(wanted)) + ", and then " + remedy;
    out.warn(text + " for limits.connections-max: more clients than that wait until others leave", remedy);
  } else {
    out.ok(text + (limits.soft < wanted ? "; the node raises its limit by itself" : ""));
  }
  auto all = kernel.number("fs.file-max");
  auto wanted_by_all = static_cast<int64_t>(wanted) * processes(cfg);
  if (all && *all < wanted_by_all)
    out.warn("fs.file-max is " + std::to_string(*all) + " for the whole host, "
                 + std::to_string(wanted_by_all) + " wanted here alone",
             set_to("fs.file-max", std::to_string(2 * wanted_by_all)));
}

void check_connecting(const config::configuration& cfg, const kernel_settings& kernel, check_report& out) {
  auto backlog = cfg.integer("http.backlog");
  auto wanted = std::to_string(backlog);
  const std::string queue = "net.core.somaxconn";
  if (auto value = kernel.number(queue); !value)
    out.warn(queue + " cannot be read", "see that it is at least " + wanted);
  else if (*value < backlog)
    out.warn(queue + " is " + std::to_string(*value) + " and cuts http.backlog " + wanted
                 + ": when more clients connect at once than that, the rest try again a second later",
             set_to(queue, wanted));
  else
    out.ok(queue + " is " + std::to_string(*value) + ", http.backlog " + wanted);
  const std::string half_open = "net.ipv4.tcp_max_syn_backlog";
  auto cookies = kernel.number("net.ipv4.tcp_syncookies").value_or(0) != 0;
  if (auto value = kernel.number(half_open); !value)
    out.warn(half_open + " cannot be read", "see that it is at least " + wanted);
  else if (*value < backlog && !cookies)
    out.warn(half_open + " is " + std::to_string(*value) + ", below http.backlog " + wanted
                 + ", and SYN cookies are off: under many connects at once some are dropped before they are "
                   "queued",
             set_to("net.ipv4.tcp_syncookies", "1") + " or " + set_to(half_open, wanted));
  else
    out.ok(half_open + " is " + std::to_string(*value)
           + (cookies ? "; SYN cookies are on, so nobody is dropped for it" : ""));
}

namespace {

void check_port_range(const config::configuration& cfg, const kernel_settings& kernel, check_report& out) {
  const std::string name = "net.ipv4.ip_local_port_range";
  int64_t first = 0;
  int64_t last = 0;
  std::istringstream range{kernel.text(name)};
  if (!(range >> first >> last)) {
    out.warn(name + " cannot be read", "a proxy on this host needs one port for each connection to the node");
    return;
  }
  auto count = last - first + 1;
  auto text = name + " is " + std::to_string(first) + "-" + std::to_string(last);
  if (count < connections(cfg))
    out.warn(text + ": a proxy on this host can have " + std::to_string(count)
                 + " connections to one address and port, and " + std::to_string(connections(cfg))
                 + " are allowed here",
             set_to(name, "\"1024 65535\"")
                 + ", or let the proxy keep fewer connections open and reuse them");
  else
    out.ok(text + ": enough for a proxy on this host");
  const std::string reserved = "net.ipv4.ip_local_reserved_ports";
  auto port = cfg.integer("http.port");
  if (port >= first && port <= last && !lists_port(kernel.text(reserved), port))
    out.warn("http.port " + std::to_string(port)
                 + " is in that range: an outgoing connection may have it when the " + "node starts",
             set_to(reserved, std::to_string(port)) + ", or a port below " + std::to_string(first));
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
  if (auto value = kernel.number(buckets)) {
    if (*value < connections(cfg))
      out.warn(
          buckets + " is " + std::to_string(*value) + ", below the " + std::to_string(connections(cfg))
              + " connections that are allowed: when many end at once, late packets of some meet new ones",
          set_to(buckets, std::to_string(connections(cfg))));
    else
      out.ok(buckets + " is " + std::to_string(*value));
  }
}

std::optional<file_system_risk> risk_of_file_system(uint32_t type) {
  constexpr const char* memory = "is in memory: everything is gone when the host restarts";
  constexpr const char* network =
      "is on the network: whether a sync reaches a disk, and locks hold, is up to others";
  struct known {
    uint32_t type;
    const char* name;
    const char* risk;
  };
  constexpr known all[] = {
      {0x01021994, "tmpfs", memory},
      {0x858458f6, "ramfs", memory},
      {0x6969, "NFS", network},
      {0x517b, "SMB", network},
      {0xff534d42, "CIFS", network},
      {0xfe534d42, "SMB 2", network},
      {0x00c36400, "Ceph", network},
      {0x01021997, "9p", network},
      {0x65735546, "FUSE", network},
      {0x794c7630, "overlay", "is a layer of a container: it is gone when the container is"},
  };
  for (const auto& k : all)
    if (k.type == type)
      return file_system_risk{k.name, k.risk};
  return std::nullopt;
}

} // namespace beckon::apps
