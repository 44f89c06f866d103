#include "storage/mysql/fence.hpp"

#include "decision/hash.hpp"
#include "storage/fence.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

namespace beckon::storage::mysql {

namespace {

constexpr const char* owners_head =
    "SELECT shard, owner, epoch FROM cl_shard FORCE INDEX(PRIMARY) WHERE shard IN (";

uint16_t shard_of(const std::string& user) {
  return static_cast<uint16_t>(decision::shard_of(user));
}

bool names_all_owners(const event_batch_write& batch) {
  auto named = [](const shard_fence& f) { return f.held.owner != 0; };
  return !batch.held.empty() && std::all_of(batch.held.begin(), batch.held.end(), named);
}

/// Calls `f` with each shard that a job must hold although it names no owner: an erasure waits for the events
/// that others are storing, and they for it.
template <class F>
void each_other_shard(const write_job& job, F&& f) {
  if (const auto* erase = std::get_if<user_erase>(&job))
    f(shard_of(erase->user));
  else if (const auto* batch = std::get_if<event_batch_write>(&job); batch && !names_all_owners(*batch))
    for (const auto& e : batch->events)
      f(shard_of(e.user));
}

bool erases(const write_job& job) {
  return std::holds_alternative<user_erase>(job);
}

} // namespace

// The index is forced: a small table would be read, and locked, from end to end instead. MariaDB knows no FOR
// SHARE.
fence_reader::fence_reader(connection& db)
    : share_owners_(db, owners_head, "?", ", ", ") ORDER BY shard LOCK IN SHARE MODE"),
      take_owners_(db, owners_head, "?", ", ", ") ORDER BY shard FOR UPDATE") {}

std::vector<bool> fence_reader::fenced(const std::vector<write_job>& jobs) {
  std::map<uint16_t, fence> stored;
  for (const auto& job : jobs) {
    each_fence(job, [&](const shard_fence& named) { stored[named.shard]; });
    each_other_shard(job, [&](uint16_t shard) { stored[shard]; });
  }
  if (stored.empty())
    return {};
  values shards;
  for (const auto& s : stored)
    shards.emplace_back(s.first);
  // All of them in one kind of lock, so that they are taken in ascending order: a second round would meet
  // that of others.
  auto& owners = std::any_of(jobs.begin(), jobs.end(), erases) ? take_owners_ : share_owners_;
  owners.run(shards, [&](const rows& r) {
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
