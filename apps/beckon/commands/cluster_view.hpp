#pragma once

#include "storage/cluster_store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The cluster's tables as people read them. Pure.
namespace beckon::apps {

/// Whether a node holds its lease, by the database's clock.
bool is_living(const storage::cluster_picture& picture, storage::incarnation_id node);

/// Shards of nobody, or of a node that is gone or has let its lease run out.
std::vector<uint16_t> shards_without_owner(const storage::cluster_picture& picture);

/// "n1 (incarnation 3)".
std::string title_of(const storage::cluster_node& node);

/// The tables for a terminal, with a last line that says whether each shard has a living owner.
std::string nodes_text(const storage::cluster_picture& picture);
/// The same as one JSON object.
std::string nodes_json(const storage::cluster_picture& picture);
/// Whether each shard has a living owner, as far as all of them are known.
bool all_shards_owned(const storage::cluster_picture& picture);

/// Whom an operator means.
struct chosen_node {
  std::optional<storage::cluster_node> node;
  std::string problem; // why nobody
};

/// The node that `word` names: an incarnation's number, or a name that only one living node has.
chosen_node choose_node(const storage::cluster_picture& picture, const std::string& word);

/// Why `node` should not be drained: nobody could take its shards. Empty: somebody can.
std::string refusal_of_last(const storage::cluster_picture& picture, const storage::cluster_node& node);

/// Other nodes on its HTTP port, by their titles: workers of one parent, as a rule. Empty: none.
std::string neighbours_of(const storage::cluster_picture& picture, const storage::cluster_node& node);

/// How far a node is in giving everything away.
struct drain_state {
  enum class phase : uint8_t { going, left, died };
  phase now = phase::going;
  size_t shards = 0; // that it still has
};
drain_state drain_state_of(const storage::cluster_picture& picture, storage::incarnation_id node);

} // namespace beckon::apps
