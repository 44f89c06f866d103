#include "peers/peer_socket.hpp"

#include "base/address_text.hpp"
#include "base/clock.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace beckon::peers {

namespace {

/// Nodes that may wait to be accepted.
constexpr int backlog = 128;

std::string text_of(int error) {
  return std::generic_category().message(error);
}

using addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

addresses look_up(const std::string& host, uint16_t port, int flags, int& status) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  status = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  return {status == 0 ? found : nullptr, &::freeaddrinfo};
}

/// 0, or an errno; ECANCELED when the wait was stopped.
int connect_one(const addrinfo& where, const patience& wait, unique_fd& result) {
  unique_fd fd{::socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP)};
  if (!fd)
    return errno;
  if (::connect(fd.get(), where.ai_addr, where.ai_addrlen) != 0) {
    if (errno != EINPROGRESS)
      return errno;
    auto waited = wait.wait(fd.get(), POLLOUT);
    if (waited != patience::outcome::ready)
      return waited == patience::outcome::late ? ETIMEDOUT : ECANCELED;
    int error = 0;
    socklen_t length = sizeof(error);
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0)
      return errno;
    if (error != 0)
      return error;
  }
  tune_link(fd.get());
  result = std::move(fd);
  return 0;
}

const void* address_part(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET6)
    return &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  return &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
}

uint16_t port_part(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

} // namespace

patience::patience(int64_t timeout_ms, int stop_fd)
    : until_ms_(base::steady_ms() + timeout_ms), stop_fd_(stop_fd) {}

int64_t patience::left_ms() const {
  return std::max<int64_t>(0, until_ms_ - base::steady_ms());
}

patience::outcome patience::wait(int fd, short events) const {
  for (;;) {
    std::array<pollfd, 2> fds{{{fd, events, 0}, {stop_fd_, POLLIN, 0}}};
    const auto left = static_cast<int>(std::min<int64_t>(left_ms(), 3'600'000));
    const int n = ::poll(fds.data(), fds.size(), left);
    if (n < 0 && errno == EINTR)
      continue;
    if (fds[1].revents != 0)
      return outcome::stopped;
    if (n > 0)
      return outcome::ready;
    if (left_ms() == 0)
      return outcome::late;
  }
}

std::string peer_of(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0
      || ::inet_ntop(address.ss_family, address_part(address), text.data(), text.size()) == nullptr)
    return "somebody";
  return base::host_and_port(text.data(), port_part(address));
}

unique_fd listen_on(const std::string& address, uint16_t port, std::string& problem) {
  const auto place = "cannot listen for other nodes on " + base::host_and_port(address, port) + ": ";
  int status = 0;
  auto found = look_up(address, port, AI_PASSIVE | AI_NUMERICHOST, status);
  if (!found) {
    problem = place + "cluster.address must be an IP address of this machine";
    return {};
  }
  const int on = 1;
  unique_fd fd{::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP)};
  if (fd && ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0
      && ::bind(fd.get(), found->ai_addr, found->ai_addrlen) == 0 && ::listen(fd.get(), backlog) == 0)
    return fd;
  const int error = errno;
  problem = place + text_of(error);
  if (error == EADDRINUSE)
    problem += "; another process listens there: stop it, or choose another cluster.port (0: any free one)";
  else if (error == EADDRNOTAVAIL)
    problem += "; no interface of this machine has this address: correct cluster.address";
  else if (error == EACCES)
    problem += "; ports below 1024 need the capability CAP_NET_BIND_SERVICE: choose another cluster.port";
  return {};
}

uint16_t port_of(int listening) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  if (::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    return 0;
  return port_part(address);
}

unique_fd connect_to(const std::string& host, uint16_t port, const patience& wait, std::string& problem) {
  int status = 0;
  auto found = look_up(host, port, AI_NUMERICHOST, status);
  if (!found)
    found = look_up(host, port, AI_ADDRCONFIG, status);
  if (!found) {
    problem = "the name " + host + " is not known: " + ::gai_strerror(status);
    return {};
  }
  unique_fd result;
  int error = ETIMEDOUT;
  for (auto* i = found.get(); i != nullptr && !result && error != ECANCELED; i = i->ai_next)
    error = connect_one(*i, wait, result);
  if (!result)
    problem = base::host_and_port(host, port) + ": " + text_of(error);
  return result;
}

// Neither can fail on a TCP socket; were one to fail, the link would work on, with more delay or a later
// break.
void tune_link(int fd) {
  const int on = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  set_patience(fd, link_silence_max_ms);
}

void set_patience(int fd, int64_t ms) {
  const auto value = static_cast<unsigned>(ms);
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, sizeof(value));
}

} // namespace beckon::peers
