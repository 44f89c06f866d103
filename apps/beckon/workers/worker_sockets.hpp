#pragma once

#include "config/configuration.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace beckon::apps {

/// The listening sockets of all workers, which stay open as long as the parent lives: who waits in the queue
/// of one is taken by the worker's successor. One for each worker on the common port, among which the kernel
/// spreads new connections, and one for each alone when workers.port-base is set.
class worker_sockets {
 public:
  worker_sockets() = default;
  ~worker_sockets();
  worker_sockets(const worker_sockets&) = delete;
  worker_sockets& operator=(const worker_sockets&) = delete;

  /// Opens all of them, or none. Returns what is wrong, with the remedy; empty when all is well.
  std::string open(const config::configuration& cfg, size_t workers);
  /// From now on nobody new connects; who is connected is still taken by a worker.
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
