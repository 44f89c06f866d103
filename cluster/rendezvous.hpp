#pragma once

#include "storage/cluster_store.hpp"

#include <cstdint>

namespace beckon::cluster {

/// How much a node prefers a shard: the weight of rendezvous hashing (Thaler and Ravishankar, "Using
/// Name-Based Mappings to Increase Hit Rates", 1998). The node with the highest weight is the preferred
/// owner. The same on every node and for ever. No ties: a shard's weights differ for distinct incarnations.
uint64_t preference(storage::incarnation_id node, uint16_t shard);

} // namespace beckon::cluster
