#include "net/acceptor.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace beckon::net {

namespace {

std::string to_text(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  } else if (address.ss_family == AF_INET6) {
    auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
      ::inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text.data(), text.size());
    else
      ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  }
  return text.data();
}

acceptor::outcome outcome_of(int error) {
  switch (error) {
  case EAGAIN:
    return acceptor::outcome::empty;
  case EMFILE:
  case ENFILE:
    return acceptor::outcome::descriptors;
  case ENOBUFS:
  case ENOMEM:
    return acceptor::outcome::no_memory;
  default: // the client left again or its network failed, which accept(2) reports here
    return acceptor::outcome::failed;
  }
}

} // namespace

acceptor::acceptor(int listening) : listening_(listening) {
  refill();
}

acceptor::~acceptor() {
  close();
}

void acceptor::refill() {
  if (reserve_ < 0)
    reserve_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

acceptor::result acceptor::accept() {
  result r;
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  r.fd = ::accept4(listening_, reinterpret_cast<sockaddr*>(&address), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (r.fd < 0) {
    r.what = outcome_of(errno);
    return r;
  }
  r.what = outcome::accepted;
  r.peer = to_text(address);
  return r;
}

bool acceptor::refuse(std::string_view answer) {
  refill();
  if (reserve_ < 0)
    return false;
  ::close(reserve_);
  reserve_ = -1;
  const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    (void)::send(fd, answer.data(), answer.size(),
                 MSG_NOSIGNAL); // best effort: it fits into an empty socket buffer
    ::shutdown(fd, SHUT_WR);
    std::array<char, 16384> request{};
    (void)::recv(fd, request.data(), request.size(), 0); // unread input would turn the close into a reset
    ::close(fd);
  }
  refill();
  return fd >= 0;
}

// Closing a listener resets all connections in its queue, and accepting until the queue is empty leaves a gap
// before the close. A filter that drops each SYN first stops the queue from growing. New clients resend their
// SYN a second later and then find the port closed.
bool shut_out_newcomers(int listening) {
  constexpr uint32_t flags_at = 13; // of the TCP header, where the filter of a TCP socket starts
  constexpr uint32_t syn = 0x02;
  constexpr uint32_t syn_or_ack = 0x12;
  constexpr uint32_t whole_packet = 0xffffffff;
  std::array<sock_filter, 5> steps = {{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, flags_at),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, syn_or_ack),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, syn, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, whole_packet),
  }};
  const sock_fprog program{static_cast<unsigned short>(steps.size()), steps.data()};
  return ::setsockopt(listening, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

bool acceptor::shut_out_newcomers() {
  return net::shut_out_newcomers(listening_);
}

void acceptor::close() {
  if (listening_ >= 0)
    ::close(listening_);
  if (reserve_ >= 0)
    ::close(reserve_);
  listening_ = reserve_ = -1;
}

} // namespace beckon::net
