#include "net/poller.hpp"

#include <cerrno>
#include <system_error>

namespace beckon::net {

using caf::io::network::operation;

namespace {

int make_epoll() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0)
    throw std::system_error(errno, std::generic_category(), "HTTP front: cannot create an epoll set");
  return fd;
}

} // namespace

poller::poller(caf::io::network::default_multiplexer& loop)
    : event_handler(loop, caf::io::network::invalid_native_socket) {
  fd_ = make_epoll(); // here, not in the base: it would set socket options on it
}

void poller::start(std::function<void()> ready) {
  ready_ = std::move(ready);
  started_ = true;
  activate();
}

void poller::stop() {
  ready_ = nullptr;
  const bool registered = eventbf() != 0;
  if (started_)
    passivate();
  // Started and stopped within one turn of the loop: both requests cancel out, and removed_from_loop is never
  // called.
  if (!registered)
    delete this;
}

bool poller::watch(int socket, uint64_t key, uint32_t events) {
  epoll_event what{};
  what.events = events;
  what.data.u64 = key;
  return ::epoll_ctl(fd_, EPOLL_CTL_ADD, socket, &what) == 0;
}

bool poller::change(int socket, uint64_t key, uint32_t events) {
  epoll_event what{};
  what.events = events;
  what.data.u64 = key;
  return ::epoll_ctl(fd_, EPOLL_CTL_MOD, socket, &what) == 0;
}

void poller::unwatch(int socket) {
  epoll_event what{};
  ::epoll_ctl(fd_, EPOLL_CTL_DEL, socket, &what);
}

size_t poller::wait() {
  const int n = ::epoll_wait(fd_, events_.data(), static_cast<int>(events_.size()), 0);
  return n > 0 ? static_cast<size_t>(n) : 0; // EINTR: what is ready stays ready
}

void poller::handle_event(operation op) {
  if (op == operation::read && ready_)
    ready_();
}

void poller::removed_from_loop(operation op) {
  if (op == operation::read)
    delete this;
}

void poller::graceful_shutdown() {
  stop();
}

} // namespace beckon::net
