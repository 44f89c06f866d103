#include "actors/context/cluster_interfaces.hpp"

#include <set>

namespace beckon::actors {

std::vector<storage::shard_fence> fences_of(const std::vector<storage::event_row>& events,
                                            const ownership& o) {
  std::set<uint16_t> shards;
  for (const auto& e : events)
    shards.insert(static_cast<uint16_t>(decision::shard_of(e.user)));
  std::vector<storage::shard_fence> held;
  held.reserve(shards.size());
  for (auto shard : shards)
    held.push_back({shard, {o.shards[shard].incarnation, o.shards[shard].epoch}});
  return held;
}

} // namespace beckon::actors
