#include "bench/load/connection.hpp"

#include <array>
#include <cerrno>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace beckon::load {

namespace {

// One address has some 28,000 ports towards a node. The kernel finds half of them at once; finding the others
// takes longer with each, so further connections use further loopback addresses.
constexpr uint32_t connections_per_source = 8192;

} // namespace

connection::connection(connection&& other) noexcept
    : epoll_fd_(other.epoll_fd_),
      index_(other.index_),
      node_(other.node_),
      fd_(std::exchange(other.fd_, -1)),
      state_(std::exchange(other.state_, state::away)),
      watching_writes_(other.watching_writes_),
      out_(std::move(other.out_)),
      out_at_(other.out_at_),
      answer_(std::move(other.answer_)),
      problem_(std::move(other.problem_)) {}

connection::result connection::fail(std::string_view what, int code) {
  problem_ = std::string{what};
  if (code != 0)
    problem_ += ": " + std::generic_category().message(code);
  return result::failed;
}

bool connection::watch(uint32_t events, int operation) {
  epoll_event event{};
  event.events = events;
  event.data.u32 = index_;
  return epoll_ctl(epoll_fd_, operation, fd_, &event) == 0;
}

bool connection::bind_source() {
  sockaddr_in source{};
  source.sin_family = AF_INET;
  source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + index_ / connections_per_source);
  int on = 1;
  return setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) == 0
         && bind(fd_, reinterpret_cast<const sockaddr*>(&source), sizeof(source)) == 0;
}

connection::result connection::connect() {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0)
    return fail("socket", errno);
  if (index_ >= connections_per_source && !bind_source())
    return fail("bind", errno);
  int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const auto* to = reinterpret_cast<const sockaddr*>(&node_->where);
  state_ = state::connecting;
  if (::connect(fd_, to, sizeof(node_->where)) == 0) {
    state_ = state::idle;
    return watch(EPOLLIN, EPOLL_CTL_ADD) ? result::ok : fail("epoll_ctl", errno);
  }
  if (errno != EINPROGRESS)
    return fail("connect", errno);
  watching_writes_ = true;
  return watch(EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD) ? result::pending : fail("epoll_ctl", errno);
}

connection::result connection::connected() {
  int code = 0;
  socklen_t size = sizeof(code);
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &code, &size) != 0 || code != 0)
    return fail("connect", code);
  watching_writes_ = false;
  state_ = state::idle;
  return watch(EPOLLIN, EPOLL_CTL_MOD) ? result::ok : fail("epoll_ctl", errno);
}

connection::result connection::send(std::string bytes) {
  state_ = state::busy;
  out_ = std::move(bytes);
  out_at_ = 0;
  answer_.reset();
  return flush();
}

connection::result connection::flush() {
  while (out_at_ < out_.size()) {
    auto sent = ::send(fd_, out_.data() + out_at_, out_.size() - out_at_, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent < 0 && errno != EAGAIN)
      return fail("send", errno);
    if (sent < 0) {
      watching_writes_ = true;
      return watch(EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD) ? result::pending : fail("epoll_ctl", errno);
    }
    out_at_ += static_cast<size_t>(sent);
  }
  if (std::exchange(watching_writes_, false) && !watch(EPOLLIN, EPOLL_CTL_MOD))
    return fail("epoll_ctl", errno);
  return result::ok;
}

connection::result connection::receive() {
  std::array<char, 16384> buffer;
  for (;;) {
    auto bytes = recv(fd_, buffer.data(), buffer.size(), 0);
    if (bytes < 0 && errno == EINTR)
      continue;
    if (bytes < 0)
      return errno == EAGAIN ? result::pending : fail("receive", errno);
    if (state_ == state::idle)
      return fail(bytes == 0 ? "closed while idle" : "bytes that nobody asked for", 0);
    std::string_view data{buffer.data(), static_cast<size_t>(bytes)};
    switch (bytes == 0 ? answer_.end() : answer_.feed(data)) {
    case answer_parser::state::done:
      return result::ok;
    case answer_parser::state::bad:
      return fail(answer_.problem(), 0);
    case answer_parser::state::more:
      break;
    }
    if (data.size() < buffer.size())
      return result::pending; // level-triggered: later input is reported again
  }
}

void connection::next() {
  if (answer_.keep_alive() && out_at_ == out_.size())
    state_ = state::idle;
  else
    close();
}

void connection::close() {
  if (fd_ >= 0)
    ::close(std::exchange(fd_, -1));
  state_ = state::away;
  watching_writes_ = false;
}

} // namespace beckon::load
