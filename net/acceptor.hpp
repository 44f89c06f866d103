#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace beckon::net {

/// Blocks new connections to this listening socket, in every process that has it open. False if the kernel
/// has no such filter; everything else still works.
bool shut_out_newcomers(int listening);

/// Accepts connections from a listening socket. Keeps one descriptor in reserve, so that clients get an
/// answer instead of waiting in the queue when descriptors run out. Runs on: I/O thread. Blocks: no.
class acceptor {
 public:
  enum class outcome : uint8_t {
    accepted,
    empty,       // no connection waits
    failed,      // this one is gone; continue
    descriptors, // none left in the process or the system
    no_memory,
  };
  struct result {
    outcome what = outcome::empty;
    int fd = -1;      // non-blocking, close-on-exec; the caller's
    std::string peer; // address as text
  };

  /// Takes ownership of `listening`.
  explicit acceptor(int listening);
  ~acceptor();
  acceptor(const acceptor&) = delete;
  acceptor& operator=(const acceptor&) = delete;

  int fd() const { return listening_; }
  bool is_open() const { return listening_ >= 0; }
  result accept();
  /// Accepts one connection with the reserve descriptor, sends `answer` and closes it. False if none waits or
  /// the reserve is gone (each call tries to get it back).
  bool refuse(std::string_view answer);
  /// Blocks new connections, while accept() still returns those whose handshake has begun. So a listener can
  /// close without losing a connected client. False if the kernel has no such filter; everything else still
  /// works.
  bool shut_out_newcomers();
  void close();

 private:
  void refill();

  int listening_;
  int reserve_ = -1;
};

} // namespace beckon::net
