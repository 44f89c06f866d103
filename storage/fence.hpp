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
  struct visitor {
    decltype(name)& one;
    void operator()(const claim_write& w) const { one({w.shard, w.held}); }
    void operator()(const profile_write& w) const { one({w.shard, w.held}); }
    void operator()(const user_erase& w) const { one({w.shard, w.held}); }
    void operator()(const erase_piece& w) const { one({w.shard, w.held}); }
    void operator()(const event_batch_write& w) const {
      for (const auto& named : w.held)
        one(named);
    }
    // These concern no user's state.
    void operator()(const popup_write&) const {}
    void operator()(const popup_erase&) const {}
    void operator()(const settings_write&) const {}
    void operator()(const answers_prune&) const {}
    void operator()(const popup_mark&) const {}
  };
  std::visit(visitor{name}, job);
}

/// Whether all fences of a job hold according to `holds`.
template <class F>
bool fences_hold(const write_job& job, F&& holds) {
  bool all = true;
  each_fence(job, [&](const shard_fence& named) { all = all && holds(named); });
  return all;
}

} // namespace beckon::storage
