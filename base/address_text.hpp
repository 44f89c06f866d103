#pragma once

#include <cstdint>
#include <string>

namespace beckon::base {

/// How far an IP address reaches: not an address, only this host, or other hosts.
enum class address_kind : uint8_t { none, loopback, other };
address_kind kind_of_address(const std::string& text);

/// "127.0.0.1:8080", "db1:3306"; brackets around an IPv6 address: "[::1]:8080".
std::string host_and_port(const std::string& host, uint16_t port);

} // namespace beckon::base
