#pragma once

#include "config/configuration.hpp"

#include <memory>
#include <string>

namespace beckon::apps {

/// An in-memory copy of a configuration file that a child can read. A worker gets exactly what was
/// checked, even if the file changes.
class configuration_snapshot {
 public:
  /// Reads and checks. If the result is null, `problem` gives the reason.
  static std::shared_ptr<const configuration_snapshot> take(const config::sources& from,
                                                            std::string& problem);
  ~configuration_snapshot();
  configuration_snapshot(const configuration_snapshot&) = delete;
  configuration_snapshot& operator=(const configuration_snapshot&) = delete;

  const config::configuration& values() const { return values_; }
  /// Inherited by the child that reads path(); -1: there is no file.
  int descriptor() const { return fd_; }
  std::string path() const;

 private:
  configuration_snapshot() = default;

  int fd_ = -1;
  config::configuration values_;
};

/// Shared by all who may start a process with it.
using snapshot_ptr = std::shared_ptr<const configuration_snapshot>;

} // namespace beckon::apps
