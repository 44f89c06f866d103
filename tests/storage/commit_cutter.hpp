#pragma once

#include <caf/test/unit_test.hpp>

#include <arpa/inet.h>
#include <atomic>
#include <cstdint>
#include <netinet/in.h>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace beckon::storage::test {

/// A proxy in front of a MySQL server, for one client at a time, that breaks the connection at a COMMIT on
/// request.
class commit_cutter {
 public:
  enum class cut : uint8_t {
    never,
    before,  // the server does not see the COMMIT
    after,   // the server has carried it out; the client does not see the answer
    swallow, // the COMMIT goes nowhere, and the connection stays
  };

  explicit commit_cutter(uint16_t server_port) : server_port_(server_port) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    auto any = loopback(0);
    socklen_t size = sizeof any;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&any), sizeof any) != 0 || ::listen(listener_, 8) != 0
        || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&any), &size) != 0)
      CAF_FAIL("no socket to listen on");
    port_ = ntohs(any.sin_port);
    thread_ = std::thread{[this] { run(); }};
  }
  ~commit_cutter() {
    stopping_ = true;
    thread_.join();
    ::close(listener_);
  }
  commit_cutter(const commit_cutter&) = delete;
  commit_cutter& operator=(const commit_cutter&) = delete;

  uint16_t port() const { return port_; }
  /// What happens at the next COMMIT; after that it is `never` again.
  void at_next_commit(cut c) { next_ = c; }

 private:
  static sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }

  /// Whether there is something to read within a moment.
  static bool readable(int fd) {
    pollfd p{fd, POLLIN, 0};
    return ::poll(&p, 1, 5) == 1;
  }

  void run() {
    while (!stopping_) {
      if (!readable(listener_))
        continue;
      int client = ::accept(listener_, nullptr, nullptr);
      int server = ::socket(AF_INET, SOCK_STREAM, 0);
      auto address = loopback(server_port_);
      if (::connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
        while (!stopping_ && pass_on(client, server, true) && pass_on(server, client, false))
          ;
      ::close(client);
      ::close(server);
    }
  }

  /// Whether the connection lives on. A statement of the client arrives whole: it waits for each answer.
  bool pass_on(int from, int to, bool by_client) {
    if (!readable(from))
      return true;
    char bytes[65536];
    auto n = ::recv(from, bytes, sizeof bytes, 0);
    if (n <= 0)
      return false;
    std::string_view text{bytes, static_cast<size_t>(n)};
    constexpr std::string_view commit{"\x03"
                                      "COMMIT"};
    auto what =
        by_client && text.find(commit) != std::string_view::npos ? next_.exchange(cut::never) : cut::never;
    if (what == cut::before)
      return false;
    if (what == cut::swallow)
      return true;
    if (::send(to, bytes, text.size(), MSG_NOSIGNAL) != n)
      return false;
    if (what == cut::after)
      return ::recv(to, bytes, sizeof bytes, 0) < 0; // wait for the answer, and drop it
    return true;
  }

  uint16_t server_port_;
  uint16_t port_ = 0;
  int listener_ = -1;
  std::atomic<bool> stopping_{false};
  std::atomic<cut> next_{cut::never};
  std::thread thread_;
};

} // namespace beckon::storage::test
