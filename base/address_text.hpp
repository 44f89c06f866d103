#pragma once

#include <cstdint>
#include <string>

namespace beckon::base {

/// What a text says of an IP address: that it is none, that only this host reaches it, or neither.
enum class address_kind : uint8_t { none, loopback, other };
address_kind kind_of_address(const std::string& text);

/// "127.0.0.1:8080", "db1:3306"; brackets around an IPv6 address: "[::1]:8080".
std::string host_and_port(const std::string& host, uint16_t port);

} // namespace beckon::base
