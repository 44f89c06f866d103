#pragma once

#include <netinet/in.h>
#include <optional>
#include <string>
#include <string_view>

namespace beckon::load {

/// One node, by an address of this machine.
struct node_address {
  std::string url;  // as given, without a trailing slash
  std::string host; // for the Host field: "127.0.0.1:8080"
  sockaddr_in where{};
};

/// Reads http://127.x.y.z:PORT or http://localhost:PORT. Anything else is refused: load goes only to
/// loopback, because a load generator aimed at another machine is an attack. On an error `problem` gives the
/// reason.
std::optional<node_address> parse_node_url(std::string_view url, std::string& problem);

} // namespace beckon::load
