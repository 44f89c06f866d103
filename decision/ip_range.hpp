#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace beckon::decision {

/// An IPv4 or IPv6 address. An IPv4 address written as IPv6 (::ffff:192.0.2.1) is the IPv4 address.
struct ip_address {
  bool v4 = false;
  std::array<uint8_t, 16> bytes{}; // the first four for IPv4
};

std::optional<ip_address> parse_ip_address(std::string_view text);

/// All addresses that share the first `prefix_bits` with `base`.
struct ip_range {
  ip_address base;
  unsigned prefix_bits = 0;

  bool contains(const ip_address& a) const;
};

/// "10.0.0.0/8", "2001:db8::/32", or one address. Bits beyond the prefix are ignored.
std::optional<ip_range> parse_ip_range(std::string_view text);

} // namespace beckon::decision
