#include "base/address_text.hpp"
#include "net/http_broker.hpp"

#include <caf/sec.hpp>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace beckon::net {

namespace {

caf::error failure(const http_options& options, const std::string& what, int error) {
  auto text = "cannot listen on " + base::host_and_port(options.address, options.port) + ": " + what;
  if (error == EADDRINUSE)
    text += "; another process listens there: stop it, or choose another http.port";
  else if (error == EACCES)
    text +=
        "; ports below 1024 need the capability CAP_NET_BIND_SERVICE: choose another http.port or grant it";
  else if (error == EADDRNOTAVAIL)
    text += "; no interface of this machine has this address: correct http.address";
  return caf::make_error(caf::sec::cannot_open_port, text);
}

std::string text_of(int error) {
  return std::generic_category().message(error);
}

/// Sets the options that connections inherit or that must precede bind(). Returns 0 or an errno.
int prepare(int fd, const http_options& options) {
  const int on = 1;
  if (::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
    return errno;
  if (options.reuse_port && ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
    return errno;
  // On Linux accepted connections inherit TCP_NODELAY, which saves a system call for each.
  if (::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
    return errno;
  return 0;
}

uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    return 0;
  if (address.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port);
  return ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
}

/// A descriptor, or -errno.
int open_on(const addrinfo& where, const http_options& options) {
  const int fd = ::socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0)
    return -errno;
  int error = prepare(fd, options);
  if (error == 0 && ::bind(fd, where.ai_addr, where.ai_addrlen) != 0)
    error = errno;
  if (error == 0 && ::listen(fd, options.backlog) != 0)
    error = errno;
  if (error == 0)
    return fd;
  ::close(fd);
  return -error;
}

/// listen() on a listening socket changes its backlog; it fails on a socket that cannot listen.
caf::expected<listener> take_over(const http_options& options) {
  const int fd = options.inherited_fd;
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0
      || ::listen(fd, options.backlog) != 0) {
    const int error = errno;
    return failure(options, "descriptor " + std::to_string(fd) + " was handed over: " + text_of(error),
                   error);
  }
  listener result;
  result.fd = fd;
  result.address = options.address;
  result.port = bound_port(fd);
  return result;
}

} // namespace

caf::expected<listener> open_listener(const http_options& options) {
  if (options.inherited_fd >= 0)
    return take_over(options);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const auto port = std::to_string(options.port);
  const int status = ::getaddrinfo(options.address.c_str(), port.c_str(), &hints, &found);
  if (status != 0)
    return failure(
        options, std::string{"http.address is not an address of this machine: "} + ::gai_strerror(status), 0);
  int fd = -EADDRNOTAVAIL;
  for (auto* i = found; i != nullptr && fd < 0; i = i->ai_next)
    fd = open_on(*i, options);
  ::freeaddrinfo(found);
  if (fd < 0)
    return failure(options, text_of(-fd), -fd);
  listener result;
  result.fd = fd;
  result.address = options.address;
  result.port = bound_port(fd);
  return result;
}

} // namespace beckon::net
