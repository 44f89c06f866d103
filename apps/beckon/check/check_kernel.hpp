#pragma once

#include "apps/beckon/check/check_report.hpp"
#include "config/configuration.hpp"

#include <cstdint>
#include <optional>
#include <string>

/// Kernel settings and limits, compared with what one configuration needs of them.
namespace beckon::apps {

/// Where the kernel's settings are read; a test has a directory of its own.
struct kernel_settings {
  std::string root = "/proc/sys/";

  /// The first number in the file of "net.core.somaxconn"; empty when it cannot be read.
  std::optional<int64_t> number(const std::string& name) const;
  std::string text(const std::string& name) const; // its first line; empty when it cannot be read
};

/// The limit of open descriptors of this process.
struct descriptor_limits {
  uint64_t soft = 0;
  uint64_t hard = 0; // to which a node raises the soft one by itself
};
descriptor_limits present_descriptor_limits();

/// The command that sets one until the next start of the host.
std::string sysctl_command(const std::string& name, const std::string& value);
/// Processes of this configuration that serve.
int64_t processes_of(const config::configuration& cfg);

void check_descriptors(const config::configuration& cfg, const kernel_settings& kernel,
                       descriptor_limits limits, check_report& out);
void check_connecting(const config::configuration& cfg, const kernel_settings& kernel, check_report& out);
void check_ports_and_time_wait(const config::configuration& cfg, const kernel_settings& kernel,
                               check_report& out);

/// What speaks against keeping data on a file system of this statfs type: the name and the risk.
struct file_system_risk {
  std::string name;
  std::string risk;
};
std::optional<file_system_risk> risk_of_file_system(uint32_t type);

} // namespace beckon::apps
