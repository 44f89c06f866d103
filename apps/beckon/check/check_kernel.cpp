#include "apps/beckon/check/check_kernel.hpp"

#include "apps/beckon/host/host.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <sys/resource.h>

namespace beckon::apps {

std::string sysctl_command(const std::string& name, const std::string& value) {
  return "sysctl -w " + name + '=' + value;
}

int64_t processes_of(const config::configuration& cfg) {
  return std::max<int64_t>(1, cfg.integer("workers.count"));
}

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
  auto wanted = descriptors_wanted(cfg);
  auto text = std::to_string(limits.hard) + " descriptors per process, " + std::to_string(wanted) + " wanted";
  if (limits.hard < wanted) {
    auto remedy = "ulimit -n " + std::to_string(wanted) + ", LimitNOFILE= in the service, or lower the limit";
    if (auto ceiling = kernel.number("fs.nr_open"); ceiling && static_cast<uint64_t>(*ceiling) < wanted)
      remedy = sysctl_command("fs.nr_open", std::to_string(wanted)) + ", and then " + remedy;
    out.warn(text + " for limits.connections-max: further clients wait until others disconnect", remedy);
  } else {
    out.ok(text + (limits.soft < wanted ? "; the node raises its limit by itself" : ""));
  }
  auto all = kernel.number("fs.file-max");
  auto wanted_by_all = static_cast<int64_t>(wanted) * processes_of(cfg);
  if (all && *all < wanted_by_all)
    out.warn("fs.file-max is " + std::to_string(*all) + " for the whole host, "
                 + std::to_string(wanted_by_all) + " wanted here alone",
             sysctl_command("fs.file-max", std::to_string(2 * wanted_by_all)));
}

void check_connecting(const config::configuration& cfg, const kernel_settings& kernel, check_report& out) {
  auto backlog = cfg.integer("http.backlog");
  auto wanted = std::to_string(backlog);
  const std::string queue = "net.core.somaxconn";
  if (auto value = kernel.number(queue); !value)
    out.warn(queue + " cannot be read", "see that it is at least " + wanted);
  else if (*value < backlog)
    out.warn(queue + " is " + std::to_string(*value) + " and cuts http.backlog " + wanted
                 + ": if more clients connect at once, the rest retry a second later",
             sysctl_command(queue, wanted));
  else
    out.ok(queue + " is " + std::to_string(*value) + ", http.backlog " + wanted);
  const std::string half_open = "net.ipv4.tcp_max_syn_backlog";
  auto cookies = kernel.number("net.ipv4.tcp_syncookies").value_or(0) != 0;
  if (auto value = kernel.number(half_open); !value)
    out.warn(half_open + " cannot be read", "see that it is at least " + wanted);
  else if (*value < backlog && !cookies)
    out.warn(
        half_open + " is " + std::to_string(*value) + ", below http.backlog " + wanted
            + ", and SYN cookies are off: if many clients connect at once, some are dropped before they are "
              "queued",
        sysctl_command("net.ipv4.tcp_syncookies", "1") + " or " + sysctl_command(half_open, wanted));
  else
    out.ok(half_open + " is " + std::to_string(*value)
           + (cookies ? "; SYN cookies are on, so no connection is dropped" : ""));
}

std::optional<file_system_risk> risk_of_file_system(uint32_t type) {
  constexpr const char* memory = "is in memory: all data are lost when the host restarts";
  constexpr const char* network = "is on the network: syncs and locks may not hold";
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
      {0x794c7630, "overlay", "is a container layer: it is lost with the container"},
  };
  for (const auto& k : all)
    if (k.type == type)
      return file_system_risk{k.name, k.risk};
  return std::nullopt;
}

} // namespace beckon::apps
