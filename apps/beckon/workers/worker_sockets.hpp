#pragma once

#include "config/configuration.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace beckon::apps {

/// The listening sockets of all workers. They stay open while the parent lives, so a worker's successor
/// takes over its queue of connections. Each worker has one socket on the common port, among which the kernel
/// spreads new connections, and with workers.port-base one of its own.
class worker_sockets {
 public:
  worker_sockets() = default;
  ~worker_sockets();
  worker_sockets(const worker_sockets&) = delete;
  worker_sockets& operator=(const worker_sockets&) = delete;

  /// Opens all of them, or none. Returns the problem with the remedy; empty if there is none.
  std::string open(const config::configuration& cfg, size_t workers);
  /// Refuses new connections from now on; workers still take those already connected.
  void shut_out_newcomers();

  int shared(size_t worker) const { return shared_[worker]; }
  int own(size_t worker) const { return own_.empty() ? -1 : own_[worker]; }
  uint16_t port() const { return port_; }

 private:
  std::string open_all(const config::configuration& cfg, size_t workers);
  void close();

  std::vector<int> shared_;
  std::vector<int> own_;
  uint16_t port_ = 0;
};

} // namespace beckon::apps
