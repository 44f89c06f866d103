#pragma once

#include "json/json.hpp"
#include "storage/cluster_store.hpp"

/// Rows of the cluster's tables as JSON, for the API and for the commands alike.
namespace beckon::storage {

/// The members that say what the row of a node holds; the object stays open.
void begin_node(json::writer& out, const cluster_node& n);

/// The shards that are on their way to another node: [{shard, from, to, epoch}].
void write_moves(json::writer& out, const cluster_picture& picture);

} // namespace beckon::storage
