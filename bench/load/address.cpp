#include "bench/load/address.hpp"

#include "json/json.hpp"

#include <arpa/inet.h>
#include <charconv>

namespace beckon::load {

namespace {

constexpr std::string_view scheme = "http://";

/// 1 to 65535; 0 for anything else.
uint16_t parse_port(std::string_view text) {
  unsigned port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port > 65535)
    return 0;
  return static_cast<uint16_t>(port);
}

} // namespace

std::optional<node_address> parse_node_url(std::string_view url, std::string& problem) {
  auto refuse = [&](std::string_view why) {
    problem = "--url " + json::clipped(url, 100) + ": " + std::string{why} + "; write http://127.0.0.1:PORT";
    return std::nullopt;
  };
  auto rest = url;
  if (rest.substr(0, scheme.size()) != scheme)
    return refuse("is no http:// address (TLS is not spoken here)");
  rest.remove_prefix(scheme.size());
  if (!rest.empty() && rest.back() == '/')
    rest.remove_suffix(1);
  auto colon = rest.rfind(':');
  std::string host{rest.substr(0, colon)};
  if (host == "localhost")
    host = "127.0.0.1";
  node_address result;
  result.where.sin_family = AF_INET;
  if (inet_pton(AF_INET, host.c_str(), &result.where.sin_addr) != 1
      || (ntohl(result.where.sin_addr.s_addr) >> 24) != 127)
    return refuse("load goes to loopback addresses of this machine only");
  auto port = parse_port(colon == std::string_view::npos ? "80" : rest.substr(colon + 1));
  if (port == 0)
    return refuse("the port is a number from 1 to 65535");
  result.where.sin_port = htons(port);
  result.host = host + ':' + std::to_string(port);
  result.url = std::string{scheme} + result.host;
  return result;
}

} // namespace beckon::load
