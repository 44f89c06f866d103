#include "peers/peer_owner.hpp"

#include "peers/peer_socket.hpp"

#include <arpa/inet.h>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sstream>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace beckon::peers {

namespace {

/// The kernel answers at once; a time-out all the same, since the I/O thread asks.
constexpr timeval answer_wait{0, 200'000};

struct question {
  nlmsghdr head;
  inet_diag_req_v2 body;
};

bool set_end(const sockaddr_storage& address, __be16& port, __be32 (&bytes)[4]) {
  if (address.ss_family == AF_INET) {
    auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    port = v4.sin_port;
    bytes[0] = v4.sin_addr.s_addr;
    return true;
  }
  if (address.ss_family != AF_INET6)
    return false;
  auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  port = v6.sin6_port;
  std::memcpy(bytes, &v6.sin6_addr, sizeof(v6.sin6_addr));
  return true;
}

/// Asks for the one socket whose local end is our peer and whose peer is our local end.
bool make_question(int fd, question& q) {
  sockaddr_storage here{};
  sockaddr_storage there{};
  socklen_t here_length = sizeof(here);
  socklen_t there_length = sizeof(there);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&here), &here_length) != 0
      || ::getpeername(fd, reinterpret_cast<sockaddr*>(&there), &there_length) != 0)
    return false;
  q.head.nlmsg_len = sizeof(q);
  q.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  q.head.nlmsg_flags = NLM_F_REQUEST;
  q.body.sdiag_family = static_cast<__u8>(there.ss_family);
  q.body.sdiag_protocol = IPPROTO_TCP;
  q.body.idiag_states = ~0U;
  q.body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  q.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return set_end(there, q.body.id.idiag_sport, q.body.id.idiag_src)
         && set_end(here, q.body.id.idiag_dport, q.body.id.idiag_dst);
}

/// What the kernel knows of one socket. One that its process has closed already belongs to nobody: it has no
/// inode and says user 0.
struct socket_entry {
  uid_t uid = 0;
  uint64_t inode = 0;
};

std::optional<socket_entry> ask_kernel(const question& q) {
  unique_fd kernel{::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};
  if (!kernel)
    return std::nullopt;
  (void)::setsockopt(kernel.get(), SOL_SOCKET, SO_RCVTIMEO, &answer_wait, sizeof(answer_wait));
  if (::send(kernel.get(), &q, sizeof(q), 0) != static_cast<ssize_t>(sizeof(q)))
    return std::nullopt;
  alignas(nlmsghdr) std::array<char, 4096> answer{};
  const auto length = ::recv(kernel.get(), answer.data(), answer.size(), 0);
  nlmsghdr head{};
  inet_diag_msg found{};
  if (length < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(found))))
    return std::nullopt;
  std::memcpy(&head, answer.data(), sizeof(head));
  if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
    return std::nullopt;
  std::memcpy(&found, answer.data() + NLMSG_HDRLEN, sizeof(found));
  return socket_entry{found.idiag_uid, found.idiag_inode};
}

std::string hex(unsigned value, int digits) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%0*X", digits, value);
  return text.data();
}

std::string as_listed(const __be32 (&bytes)[4], size_t words, __be16 port) {
  std::string result;
  for (size_t i = 0; i < words; ++i)
    result += hex(bytes[i], 8);
  return result + ':' + hex(ntohs(port), 4);
}

/// The same from the list of all sockets, for kernels that take no questions.
std::optional<socket_entry> look_up_listed(const question& q) {
  const bool v6 = q.body.sdiag_family == AF_INET6;
  const auto& id = q.body.id;
  const auto from = as_listed(id.idiag_src, v6 ? 4 : 1, id.idiag_sport);
  const auto to = as_listed(id.idiag_dst, v6 ? 4 : 1, id.idiag_dport);
  std::ifstream list{v6 ? "/proc/net/tcp6" : "/proc/net/tcp"};
  for (std::string line; std::getline(list, line);) {
    std::istringstream in{line};
    std::string number, local, remote, skipped;
    socket_entry found;
    if (!(in >> number >> local >> remote) || local != from || remote != to)
      continue;
    for (int i = 0; i < 4; ++i) // state, queues, timer, retransmissions
      in >> skipped;
    if (in >> found.uid >> skipped >> found.inode)
      return found;
  }
  return std::nullopt;
}

} // namespace

std::optional<uid_t> owner_of_other_end(int fd) {
  question q{};
  if (!make_question(fd, q))
    return std::nullopt;
  auto found = ask_kernel(q);
  if (!found)
    found = look_up_listed(q);
  if (!found || found->inode == 0)
    return std::nullopt;
  return found->uid;
}

bool is_own_other_end(int fd) {
  auto owner = owner_of_other_end(fd);
  return owner && (*owner == ::geteuid() || *owner == 0);
}

} // namespace beckon::peers
