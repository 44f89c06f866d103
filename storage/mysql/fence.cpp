#include "storage/mysql/fence.hpp"

#include "storage/fence.hpp"

#include <cstdint>
#include <map>

namespace beckon::storage::mysql {

// Force the index: otherwise a small table is read, and locked, completely. MariaDB does not know FOR SHARE.
fence_reader::fence_reader(connection& db)
    : owners_(db, "SELECT shard, owner, epoch FROM cl_shard FORCE INDEX(PRIMARY) WHERE shard IN (", "?", ", ",
              ") ORDER BY shard LOCK IN SHARE MODE") {}

std::vector<bool> fence_reader::fenced(const std::vector<write_job>& jobs) {
  std::map<uint16_t, fence> stored;
  for (const auto& job : jobs)
    each_fence(job, [&](const shard_fence& named) { stored[named.shard]; });
  if (stored.empty())
    return {};
  values shards;
  for (const auto& s : stored)
    shards.emplace_back(s.first);
  owners_.run(shards, [&](const rows& r) {
    stored[static_cast<uint16_t>(r.integer(0))] = {static_cast<uint64_t>(r.integer(1)),
                                                   static_cast<uint64_t>(r.integer(2))};
  });
  std::vector<bool> out(jobs.size());
  bool any = false;
  for (size_t i = 0; i < jobs.size(); ++i) {
    out[i] = !fences_hold(jobs[i], [&](const shard_fence& named) {
      const auto& now = stored.at(named.shard);
      return now.owner == named.held.owner && now.epoch == named.held.epoch;
    });
    any = any || out[i];
  }
  return any ? out : std::vector<bool>{};
}

} // namespace beckon::storage::mysql
