#pragma once

#include "config/configuration.hpp"

#include <cstdint>
#include <string>

/// Commands on a cluster's tables. They need no running node, join nothing and create no tables.
namespace beckon::apps {

/// Prints the members and what they own. Returns exit_failure unless each shard has a living owner.
int show_nodes(const config::configuration& cfg, bool as_json);

struct drain_options {
  std::string node;  // its name or its number
  bool last = false; // also if no other node can take its shards
  int64_t timeout_s = 0;
};

/// Makes a node hand over its shards and leave, and shows the progress. Blocks until it has left, at most
/// for the time-out; the drain itself goes on after that.
int drain_node(const config::configuration& cfg, const drain_options& options);

} // namespace beckon::apps
