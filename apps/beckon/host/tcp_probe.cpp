#include "apps/beckon/host/tcp_probe.hpp"

#include "base/unique_fd.hpp"

#include <cerrno>
#include <memory>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace beckon::apps {

namespace {

/// 0, or the error number.
int connect_once(const addrinfo& to, int64_t timeout_ms) {
  base::unique_fd s{::socket(to.ai_family, to.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to.ai_protocol)};
  if (!s)
    return errno;
  if (::connect(s.get(), to.ai_addr, to.ai_addrlen) == 0)
    return 0;
  if (errno != EINPROGRESS)
    return errno;
  pollfd ready{s.get(), POLLOUT, 0};
  if (::poll(&ready, 1, static_cast<int>(timeout_ms)) <= 0)
    return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof(error);
  return ::getsockopt(s.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

} // namespace

std::optional<config::database_address> place_in(const std::string& text) {
  auto parsed = config::read_replicas(text);
  if (!parsed || parsed.list.size() != 1)
    return std::nullopt;
  auto& place = parsed.list.front();
  // The list would supply a default port for entries without one.
  auto port = ':' + std::to_string(place.port);
  if (text.size() <= port.size() || text.compare(text.size() - port.size(), port.size(), port) != 0)
    return std::nullopt;
  return place;
}

probe_answer probe(const std::string& place, int64_t timeout_ms) {
  auto where = place_in(place);
  if (!where)
    return {probe_result::failed, "'" + place + "' is no host and port"};
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int status = ::getaddrinfo(where->host.c_str(), std::to_string(where->port).c_str(), &wanted, &found);
      status != 0)
    return {probe_result::failed, where->host + ": " + ::gai_strerror(status)};
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all{found, ::freeaddrinfo};
  int error = 0;
  for (const auto* one = all.get(); one != nullptr; one = one->ai_next) {
    error = connect_once(*one, timeout_ms);
    if (error == 0)
      return {probe_result::open, {}};
  }
  return {error == ECONNREFUSED ? probe_result::refused : probe_result::failed,
          std::generic_category().message(error)};
}

} // namespace beckon::apps
