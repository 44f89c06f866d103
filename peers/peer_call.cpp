#include "peers/peer_call.hpp"

#include "peers/peer_owner.hpp"

#include <openssl/err.h>

#include <array>
#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace beckon::peers {

namespace {

constexpr transport_errc ok{};

transport_errc after(patience::outcome waited, std::string& problem) {
  if (waited == patience::outcome::stopped)
    return transport_errc::stopped;
  problem = "it does not answer in time";
  return transport_errc::not_a_node;
}

/// Calls one of OpenSSL's functions until it has succeeded.
template <class Step>
transport_errc finish(SSL* tls, int fd, const patience& wait, std::string& problem, Step step) {
  for (;;) {
    ERR_clear_error();
    const int done = step(tls);
    if (done > 0)
      return ok;
    const int error = SSL_get_error(tls, done);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      problem = tls_failure(tls);
      return transport_errc::refused;
    }
    auto waited = wait.wait(fd, error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT);
    if (waited != patience::outcome::ready)
      return after(waited, problem);
  }
}

// The other side's word that it does not accept this node's certificate comes in place of the greeting.
transport_errc await_greeting(SSL* tls, int fd, const patience& wait, std::string& problem) {
  return finish(tls, fd, wait, problem, [](SSL* session) {
    std::array<char, 1> first{};
    return SSL_peek(session, first.data(), 1);
  });
}

transport_errc await_greeting(int fd, const patience& wait, std::string& problem) {
  auto waited = wait.wait(fd, POLLIN);
  if (waited != patience::outcome::ready) {
    auto failed = after(waited, problem);
    problem += "; it may want certificates (cluster.tls-cert)";
    return failed;
  }
  std::array<char, 1> first{};
  const auto n = ::recv(fd, first.data(), 1, MSG_PEEK);
  if (n > 0 && is_own_other_end(fd))
    return ok;
  if (n > 0)
    problem = "its process belongs to another user; without certificates only this node's user is trusted";
  else if (n == 0)
    problem =
        "it closed the connection; it may want certificates, or have turned this node away: see its log";
  else
    problem = std::generic_category().message(errno);
  return transport_errc::refused;
}

} // namespace

transport_errc call_door(const endpoint& where, tls_identity* identity, const patience& wait,
                         called_door& result, std::string& problem) {
  auto socket = connect_to(where.host, where.port, wait, problem);
  if (!socket)
    return transport_errc::unreachable;
  const int fd = socket.get();
  tls_session tls;
  transport_errc failed = ok;
  if (identity == nullptr) {
    failed = await_greeting(fd, wait, problem);
  } else {
    tls = identity->open_session(tls_identity::side::connecting, fd);
    if (!tls) {
      problem = "out of memory";
      return transport_errc::refused;
    }
    failed = finish(tls.get(), fd, wait, problem, SSL_do_handshake);
    if (failed == ok)
      failed = await_greeting(tls.get(), fd, wait, problem);
  }
  if (failed == ok)
    result = {std::move(socket), std::move(tls)};
  return failed;
}

} // namespace beckon::peers
