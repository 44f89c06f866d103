#pragma once

#include "config/configuration.hpp"

#include <cstdint>
#include <string>

/// Commands on the tables of a cluster. They need no node to answer, join nothing and make no tables.
namespace beckon::apps {

/// Prints who is there and who owns what. Returns the exit code: exit_failure unless each shard has a living
/// owner.
int show_nodes(const config::configuration& cfg, bool as_json);

struct drain_options {
  std::string node;  // its name or its number
  bool last = false; // also when nobody is left to take its shards
  int64_t timeout_s = 0;
};

/// Has a node give its shards away and leave, and shows how far it is. Blocks: until it has left, at most for
/// the time-out; the drain itself goes on after that.
int drain_node(const config::configuration& cfg, const drain_options& options);

} // namespace beckon::apps
