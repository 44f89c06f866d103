#pragma once

#include "config/configuration.hpp"

#include <memory>
#include <string>

namespace beckon::apps {

/// A configuration file as it was at one moment, in memory, where a child can read it: what was checked is
/// what a worker gets, whatever the file says by then.
class configuration_snapshot {
 public:
  /// Reads and checks. `problem` says what is wrong when the result is null.
  static std::shared_ptr<const configuration_snapshot> take(const config::sources& from,
                                                            std::string& problem);
  ~configuration_snapshot();
  configuration_snapshot(const configuration_snapshot&) = delete;
  configuration_snapshot& operator=(const configuration_snapshot&) = delete;

  const config::configuration& values() const { return values_; }
  /// To be inherited by the child that reads path(); -1: there is no file.
  int descriptor() const { return fd_; }
  std::string path() const;

 private:
  configuration_snapshot() = default;

  int fd_ = -1;
  config::configuration values_;
};

/// Whoever may start a process with it has a share.
using snapshot_ptr = std::shared_ptr<const configuration_snapshot>;

} // namespace beckon::apps
