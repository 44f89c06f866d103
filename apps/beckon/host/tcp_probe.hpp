#pragma once

#include "config/database_list.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace beckon::apps {

/// "10.0.0.7:7400", "[::1]:7400", "db1:7400"; empty unless the text has both host and port.
std::optional<config::database_address> place_in(const std::string& text);

enum class probe_result : uint8_t {
  open,    // a program listens there
  refused, // the host answers, but nothing listens
  failed,  // no answer in time, no route, no such name
};
struct probe_answer {
  probe_result result = probe_result::failed;
  std::string reason; // for people; empty if open
};

/// Opens and closes a TCP connection. Blocks for up to `timeout_ms` for each of the host's addresses, and
/// while a name is looked up.
probe_answer probe(const std::string& place, int64_t timeout_ms);

} // namespace beckon::apps
