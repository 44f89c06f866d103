#pragma once

#include "storage/cluster_store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The cluster's tables, rendered for people. Pure.
namespace beckon::apps {

/// Whether a node holds its lease, by the database's clock.
bool is_living(const storage::cluster_picture& picture, storage::incarnation_id node);

/// Shards without an owner, or whose owner is gone or has let its lease run out.
std::vector<uint16_t> shards_without_owner(const storage::cluster_picture& picture);

/// "n1 (incarnation 3)".
std::string title_of(const storage::cluster_node& node);

/// The tables for a terminal; the last line says whether each shard has a living owner.
std::string nodes_text(const storage::cluster_picture& picture);
/// The same as one JSON object.
std::string nodes_json(const storage::cluster_picture& picture);
/// Whether each shard is known to have a living owner.
bool all_shards_owned(const storage::cluster_picture& picture);

/// The node an operator named.
struct chosen_node {
  std::optional<storage::cluster_node> node;
  std::string problem; // why there is none
};

/// The node that `word` names: by incarnation number, or by a name that only one living node has.
chosen_node choose_node(const storage::cluster_picture& picture, const std::string& word);

/// Why `node` should not be drained: no other node could take its shards. Empty if one could.
std::string refusal_of_last(const storage::cluster_picture& picture, const storage::cluster_node& node);

/// Titles of other nodes on its HTTP port, usually workers of the same parent. Empty if there are none.
std::string neighbours_of(const storage::cluster_picture& picture, const storage::cluster_node& node);

/// The progress of a drain.
struct drain_state {
  enum class phase : uint8_t { going, left, died };
  phase now = phase::going;
  size_t shards = 0; // that it still owns
};
drain_state drain_state_of(const storage::cluster_picture& picture, storage::incarnation_id node);

} // namespace beckon::apps
