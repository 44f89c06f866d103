#pragma once

#include "storage/rows.hpp"

#include <variant>

namespace beckon::storage {

/// Calls `f` with each fence that a job names; fences of owner 0 are not checked, so they are skipped.
template <class F>
void each_fence(const write_job& job, F&& f) {
  auto name = [&](const shard_fence& named) {
    if (named.held.owner != 0)
      f(named);
  };
  if (const auto* claim = std::get_if<claim_write>(&job))
    name({claim->shard, claim->held});
  else if (const auto* profile = std::get_if<profile_write>(&job))
    name({profile->shard, profile->held});
  else if (const auto* erase = std::get_if<user_erase>(&job))
    name({erase->shard, erase->held});
  else if (const auto* piece = std::get_if<erase_piece>(&job))
    name({piece->shard, piece->held});
  else if (const auto* batch = std::get_if<event_batch_write>(&job))
    for (const auto& named : batch->held)
      name(named);
}

/// Whether all fences of a job hold according to `holds`.
template <class F>
bool fences_hold(const write_job& job, F&& holds) {
  bool all = true;
  each_fence(job, [&](const shard_fence& named) { all = all && holds(named); });
  return all;
}

} // namespace beckon::storage
