#pragma once

#include "config/database_list.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace beckon::apps {

/// "10.0.0.7:7400", "[::1]:7400", "db1:7400"; empty unless both a host and a port stand there.
std::optional<config::database_address> place_in(const std::string& text);

enum class probe_result : uint8_t {
  open,    // something listens there
  refused, // the host is there, and nothing listens
  failed,  // no answer in time, no route, no such name
};
struct probe_answer {
  probe_result result = probe_result::failed;
  std::string reason; // for people; empty when open
};

/// Makes a TCP connection and closes it again. Blocks: for `timeout_ms` for each of the host's addresses, and
/// while a name is looked up.
probe_answer probe(const std::string& place, int64_t timeout_ms);

} // namespace beckon::apps
