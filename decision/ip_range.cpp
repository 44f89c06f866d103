#include "decision/ip_range.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>

namespace beckon::decision {

namespace {

constexpr unsigned mapped_prefix_bits = 96; // ::ffff:0:0/96 holds the IPv4 addresses

struct written_address {
  ip_address address;
  bool mapped = false; // an IPv4 address written as IPv6
};

std::optional<written_address> parse_address(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos)
    return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());
  written_address result;
  auto& bytes = result.address.bytes;
  if (inet_pton(AF_INET, terminated.data(), bytes.data()) == 1) {
    result.address.v4 = true;
    return result;
  }
  if (inet_pton(AF_INET6, terminated.data(), bytes.data()) != 1)
    return std::nullopt;
  constexpr std::array<uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (std::equal(mapped.begin(), mapped.end(), bytes.begin())) {
    std::copy(bytes.begin() + 12, bytes.end(), bytes.begin());
    std::fill(bytes.begin() + 4, bytes.end(), uint8_t{0});
    result.address.v4 = true;
    result.mapped = true;
  }
  return result;
}

} // namespace

std::optional<ip_address> parse_ip_address(std::string_view text) {
  auto parsed = parse_address(text);
  return parsed ? std::optional{parsed->address} : std::nullopt;
}

bool ip_range::contains(const ip_address& a) const {
  if (a.v4 != base.v4)
    return false;
  unsigned whole = prefix_bits / 8;
  unsigned rest = prefix_bits % 8;
  if (std::memcmp(a.bytes.data(), base.bytes.data(), whole) != 0)
    return false;
  return rest == 0 || (a.bytes[whole] >> (8 - rest)) == (base.bytes[whole] >> (8 - rest));
}

std::optional<ip_range> parse_ip_range(std::string_view text) {
  auto slash = text.find('/');
  auto parsed = parse_address(text.substr(0, slash));
  if (!parsed)
    return std::nullopt;
  unsigned bits_max = parsed->address.v4 ? 32 : 128;
  if (slash == std::string_view::npos)
    return ip_range{parsed->address, bits_max};
  auto digits = text.substr(slash + 1);
  if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits[0] == '0'))
    return std::nullopt;
  unsigned bits = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc{} || end != digits.data() + digits.size())
    return std::nullopt;
  unsigned skipped = parsed->mapped ? mapped_prefix_bits : 0;
  if (bits < skipped || bits - skipped > bits_max)
    return std::nullopt;
  return ip_range{parsed->address, bits - skipped};
}

} // namespace beckon::decision
