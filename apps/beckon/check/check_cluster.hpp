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

/// Why nobody should start with what [cluster] says: which key, and the remedy. Empty: nothing speaks against
/// it, or the store is not MySQL. Reads certificates.
std::string refusal_of_cluster(const config::configuration& cfg);

/// A node as this configuration describes it.
struct described_node {
  std::vector<std::string> names;      // more than one: of workers
  std::vector<std::string> identities; // of its data directories; none: nobody was started there
  std::string http;                    // where it is recognised by; empty: not by that
};
described_node node_described(const config::configuration& cfg);

/// How another node is reached: empty, or why it is not.
using reach_test = std::function<std::string(const storage::cluster_node&)>;

/// Who is there already, and whether this node can join them.
void check_members(const config::configuration& cfg, const storage::cluster_picture& picture,
                   const described_node& self, const reach_test& reach, check_report& out);

/// Whether the node of a configuration runs already.
enum class own_node : uint8_t { unknown, absent, present };

/// Keys, certificates, the port for other nodes, and who is there. Changes nothing. Blocks: to reach the
/// database and each node, for cluster.connect-timeout-ms.
own_node check_cluster(const config::configuration& cfg, check_report& out);

} // namespace beckon::apps
