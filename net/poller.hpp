#pragma once

#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/event_handler.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <sys/epoll.h>

namespace beckon::net {

/// The broker's own readiness queue: an epoll set nested in CAF's event loop, which sees it as one handler.
///
/// CAF's streams read until EAGAIN and register for output with two epoll_ctl calls per answer; its acceptors
/// spin when descriptors run out; they cannot keep a half-closed peer. With our own set a connection is
/// registered once, edge-triggered, and everything after that is recv and send.
///
/// Runs on: I/O thread (made on any). Blocks: no. Bounds: events_max events per turn.
class poller final : public caf::io::network::event_handler {
 public:
  static constexpr size_t events_max = 128;

  /// A handler on `loop`, not started yet. Throws std::system_error if no descriptor is left.
  explicit poller(caf::io::network::default_multiplexer& loop);

  /// Starts calling `ready` whenever wait() has events. Level-triggered.
  void start(std::function<void()> ready);
  /// Never calls `ready` again; destroys itself once CAF's loop has released it.
  void stop();

  /// `events` as for epoll_ctl(2). False if the kernel refuses (memory or the limit of watches).
  bool watch(int socket, uint64_t key, uint32_t events);
  bool change(int socket, uint64_t key, uint32_t events);
  void unwatch(int socket);

  /// The ready events; valid until the next call.
  size_t wait();
  const epoll_event& event(size_t i) const { return events_[i]; }

  void handle_event(caf::io::network::operation op) override;
  void removed_from_loop(caf::io::network::operation op) override;
  void graceful_shutdown() override;

 private:
  ~poller() override = default; // only by removed_from_loop, or by stop() when it was never started

  std::function<void()> ready_;
  bool started_ = false;
  std::array<epoll_event, events_max> events_;
};

} // namespace beckon::net
