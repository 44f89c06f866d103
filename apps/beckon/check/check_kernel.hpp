#pragma once

#include "apps/beckon/check/check_report.hpp"
#include "config/configuration.hpp"

#include <cstdint>
#include <optional>
#include <string>

/// Kernel settings and limits, compared with the needs of a configuration.
namespace beckon::apps {

/// Where kernel settings are read from; tests use their own directory.
struct kernel_settings {
  std::string root = "/proc/sys/";

  /// The first number in the file of a setting like "net.core.somaxconn"; empty if it cannot be read.
  std::optional<int64_t> number(const std::string& name) const;
  std::string text(const std::string& name) const; // its first line; empty if unreadable
};

/// The limit of open descriptors of this process.
struct descriptor_limits {
  uint64_t soft = 0;
  uint64_t hard = 0; // a node raises the soft limit to this by itself
};
descriptor_limits present_descriptor_limits();

/// The command that sets a value until the next boot.
std::string sysctl_command(const std::string& name, const std::string& value);
/// Serving processes of this configuration.
int64_t processes_of(const config::configuration& cfg);

void check_descriptors(const config::configuration& cfg, const kernel_settings& kernel,
                       descriptor_limits limits, check_report& out);
void check_connecting(const config::configuration& cfg, const kernel_settings& kernel, check_report& out);
void check_ports_and_time_wait(const config::configuration& cfg, const kernel_settings& kernel,
                               check_report& out);

/// The risk of keeping data on a file system of this statfs type, with its name.
struct file_system_risk {
  std::string name;
  std::string risk;
};
std::optional<file_system_risk> risk_of_file_system(uint32_t type);

} // namespace beckon::apps
