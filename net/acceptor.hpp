#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace beckon::net {

/// From now on nobody new can begin to connect to this listening socket, in whatever process it is open.
/// False when the kernel has no such filter; everything else works on.
bool shut_out_newcomers(int listening);

/// Takes connections from a listening socket, and keeps one descriptor in reserve so that a client can be
/// told when descriptors have run out instead of waiting in the queue. Runs on: I/O thread.  Blocks: no.
class acceptor {
 public:
  enum class outcome : uint8_t {
    accepted,
    empty,       // nobody waits
    failed,      // this one is gone again; go on
    descriptors, // none left in the process or the system
    no_memory,
  };
  struct result {
    outcome what = outcome::empty;
    int fd = -1;      // non-blocking, close-on-exec; the caller's
    std::string peer; // address as text
  };

  /// Owns `listening` from now on.
  explicit acceptor(int listening);
  ~acceptor();
  acceptor(const acceptor&) = delete;
  acceptor& operator=(const acceptor&) = delete;

  int fd() const { return listening_; }
  bool is_open() const { return listening_ >= 0; }
  result accept();
  /// Takes one connection with the reserve descriptor, sends `answer` and closes it. False when nobody waits
  /// or the reserve is gone (it is tried again at each call).
  bool refuse(std::string_view answer);
  /// From now on nobody new can begin to connect, while a handshake that has begun still comes to its end and
  /// is taken by accept(). So a listener can be closed without losing anybody who is connected. False when
  /// the kernel has no such filter; everything else works on.
  bool shut_out_newcomers();
  void close();

 private:
  void refill();

  int listening_;
  int reserve_ = -1;
};

} // namespace beckon::net
