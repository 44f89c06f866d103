#include "base/address_text.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace beckon::base {

address_kind kind_of_address(const std::string& text) {
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1)
    return (ntohl(v4.s_addr) >> 24) == 127 ? address_kind::loopback : address_kind::other;
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) == 1)
    return IN6_IS_ADDR_LOOPBACK(&v6) ? address_kind::loopback : address_kind::other;
  return address_kind::none;
}

std::string host_and_port(const std::string& host, uint16_t port) {
  auto bracketed = host.find(':') == std::string::npos ? host : '[' + host + ']';
  return bracketed + ':' + std::to_string(port);
}

} // namespace beckon::base
