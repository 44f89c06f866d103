#pragma once

#include "peers/peer_transport.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/test/dsl.hpp>

#include <arpa/inet.h>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace beckon::peers::test {

/// Far beyond what anything here takes.
constexpr std::chrono::seconds plenty{20};

inline int64_t ms_since(std::chrono::steady_clock::time_point start) {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now() - start).count();
}

/// Connections refused at a door.
class refusals {
 public:
  refusal_handler handler() {
    return [this](const std::string&, const std::string& reason) {
      std::lock_guard<std::mutex> guard{mutex_};
      reasons_.push_back(reason);
      changed_.notify_all();
    };
  }

  /// Waits for a refusal whose reason contains this text.
  bool came(const std::string& part) {
    std::unique_lock<std::mutex> guard{mutex_};
    return changed_.wait_for(guard, plenty, [&] {
      for (const auto& r : reasons_)
        if (r.find(part) != std::string::npos)
          return true;
      return false;
    });
  }

  size_t count() {
    std::lock_guard<std::mutex> guard{mutex_};
    return reasons_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> reasons_;
};

struct peer_config : caf::actor_system_config {
  peer_config() {
    load<caf::io::middleman>();
    set("scheduler.max-threads", size_t{2});
    prepare_transport(*this);
  }
};

/// A node with nothing but its links and a door that answers n with n + 1.
/// Starts an actor with this behaviour. It is handed over as an argument: for a function that gets nothing
/// CAF 0.17.6 looks through a null pointer at its (no) arguments, which sanitizers report.
inline caf::actor spawn_plain(caf::actor_system& sys, caf::behavior does) {
  return sys.spawn([](caf::event_based_actor*, caf::behavior b) { return b; }, std::move(does));
}

struct peer {
  refusals turned_away;
  peer_config cfg;
  caf::actor_system sys{cfg};
  std::shared_ptr<peer_transport> transport;
  caf::actor door;
  uint16_t port = 0;

  explicit peer(transport_options options = transport_options_from(beckon::config::configuration{})) {
    options.on_refusal = turned_away.handler();
    auto made = peer_transport::make(sys, std::move(options));
    if (!made)
      throw std::runtime_error(describe_transport_error(made.error()));
    transport = *made;
    door = spawn_plain(sys, {[](int n) { return n + 1; }});
    auto opened = transport->open_door(door);
    if (!opened)
      throw std::runtime_error(describe_transport_error(opened.error()));
    port = *opened;
  }

  ~peer() {
    transport->stop();
    caf::anon_send_exit(door, caf::exit_reason::user_shutdown);
  }

  endpoint place() const { return {"127.0.0.1", port}; }

  caf::expected<caf::actor> connect(const endpoint& where, int64_t timeout_ms = 10'000) {
    return transport->connect<caf::actor>(where, timeout_ms);
  }

  /// What connect() says; empty: it succeeded.
  std::string refusal_of(const endpoint& where, int64_t timeout_ms = 10'000) {
    auto tried = connect(where, timeout_ms);
    auto text = tried ? std::string{} : describe_transport_error(tried.error());
    CAF_MESSAGE(text);
    return text;
  }

  bool answers(const caf::actor& other) {
    caf::scoped_actor self{sys};
    bool right = false;
    self->request(other, plenty, 41).receive([&](int n) { right = n == 42; }, [](const caf::error&) {});
    return right;
  }
};

/// A bare socket, for clients that are not nodes.
class raw_socket {
 public:
  raw_socket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~raw_socket() { ::close(fd_); }
  raw_socket(const raw_socket&) = delete;

  /// Listens and never accepts; the kernel completes connections all the same, as for a stopped process.
  uint16_t listen(int backlog) {
    auto port = bind_only();
    ::listen(fd_, backlog);
    return port;
  }

  /// A port where connections are refused while this socket lives: nobody else can listen there.
  uint16_t bind_only() {
    auto address = at(0);
    socklen_t length = sizeof(address);
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), length);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    return ntohs(address.sin_port);
  }

  void connect(uint16_t port) {
    auto address = at(port);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
      throw std::runtime_error("no connection");
  }

  void send(const std::string& bytes) { (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

  /// Reads until the other side has closed.
  bool is_closed_by_other_side() {
    timeval limit{plenty.count(), 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    char buffer[4096];
    ssize_t n = 1;
    while (n > 0)
      n = ::recv(fd_, buffer, sizeof(buffer), 0);
    return n == 0 || errno == ECONNRESET;
  }

  int fd() const { return fd_; }

 private:
  static sockaddr_in at(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  int fd_;
};

} // namespace beckon::peers::test
