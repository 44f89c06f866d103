#pragma once

#include "base/unique_fd.hpp"

#include <atomic>
#include <cstdint>
#include <netdb.h>
#include <string>
#include <vector>

/// TCP sockets between nodes: opened with a bound on the time, and named for people.
namespace beckon::peers {

using base::unique_fd;

/// A point in time on the steady clock up to which a caller waits for a socket, or until `stop` becomes
/// readable.
class patience {
 public:
  patience(int64_t timeout_ms, int stop_fd);

  enum class outcome : uint8_t { ready, late, stopped };
  /// Waits for POLLIN or POLLOUT on `fd`.
  outcome wait(int fd, short events) const;
  int64_t left_ms() const; // never below 0

 private:
  int64_t until_ms_;
  int stop_fd_;
};

/// "10.0.0.7:41812", "[::1]:41812"; "somebody" when the socket is not connected any more.
std::string peer_of(int fd);

/// A listening socket, non-blocking and close-on-exec; or nothing, with `problem` set to a text for people.
unique_fd listen_on(const std::string& address, uint16_t port, std::string& problem);
/// 0 when that is not known.
uint16_t port_of(int listening);

/// A connected socket, non-blocking and close-on-exec, with what links need of TCP; tries each address of a
/// name in turn. Nothing, with `problem` set, when there is none in time. Looking up a name may take longer.
unique_fd connect_to(const std::string& host, uint16_t port, const patience& wait, std::string& problem);

/// How long a link may stay without a sign of life from the other side.
constexpr int64_t link_silence_max_ms = 10'000;
/// How long the other side may take to accept what is still to be sent when a link is closed.
constexpr int64_t link_farewell_max_ms = 2000;

/// What every link's socket gets: no delay of small messages, and a break when the other side takes nothing
/// of what was sent for that long.
void tune_link(int fd);
void set_patience(int fd, int64_t ms);

} // namespace beckon::peers
