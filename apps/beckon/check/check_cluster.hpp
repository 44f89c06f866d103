#pragma once

#include "apps/beckon/check/check_report.hpp"
#include "config/configuration.hpp"
#include "storage/cluster_store.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

/// What a node needs to become a member of its cluster.
namespace beckon::apps {

/// The problem with [cluster] that should prevent a start: the key and the remedy. Empty if there is
/// none, or the store is not MySQL. Reads certificates.
std::string refusal_of_cluster(const config::configuration& cfg);

/// A node as this configuration describes it.
struct described_node {
  std::vector<std::string> names;      // several for workers
  std::vector<std::string> identities; // of its data directories; empty: never started
  std::string http;                    // its HTTP address, to recognise it; empty: unknown
};
described_node node_described(const config::configuration& cfg);

/// Why another node cannot be reached; empty if it can.
using reach_test = std::function<std::string(const storage::cluster_node&)>;

/// Checks the members and whether this node can join them.
void check_members(const config::configuration& cfg, const storage::cluster_picture& picture,
                   const described_node& self, const reach_test& reach, check_report& out);

/// Whether the node of a configuration is already running.
enum class own_node : uint8_t { unknown, absent, present };

/// Checks keys, certificates, the port for other nodes, and the members. Changes nothing. Blocks while it
/// connects to the database and each node, for cluster.connect-timeout-ms.
own_node check_cluster(const config::configuration& cfg, check_report& out);

} // namespace beckon::apps
