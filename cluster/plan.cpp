#include "cluster/plan.hpp"

#include "cluster/rendezvous.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <optional>

namespace beckon::cluster {

namespace {

/// Node indices are positions in `owners`.
struct share {
  size_t held = 0;
  size_t quota = 0;

  size_t surplus() const { return held > quota ? held - quota : 0; }
  size_t wanted() const { return held < quota ? quota - held : 0; }
};

/// A possible move of one shard to one node.
struct offer {
  uint64_t weight = 0;
  size_t shard = 0; // position in `shards`
  size_t to = 0;
};

class planner {
 public:
  planner(const std::vector<storage::cluster_shard>& shards,
          const std::vector<storage::incarnation_id>& owners)
      : shards_(shards), owners_(owners), shares_(owners.size()) {
    holders_.reserve(shards.size());
    for (const auto& s : shards) {
      holders_.push_back(position(s.owner));
      if (holders_.back())
        ++shares_[*holders_.back()].held;
    }
    set_quotas();
  }

  std::vector<storage::shard_change> changes() {
    std::vector<storage::shard_change> result;
    for (const auto& o : offers()) {
      // Earlier moves are already reflected in the shares, so take the remaining offers as they are.
      auto& to = shares_[o.to];
      auto& from = holders_[o.shard];
      if (taken_[o.shard] || to.wanted() == 0 || (from && shares_[*from].surplus() == 0))
        continue;
      taken_[o.shard] = true;
      ++to.held;
      if (from)
        --shares_[*from].held;
      const auto& s = shards_[o.shard];
      result.push_back({s.shard, s.owner, s.epoch, owners_[o.to]});
    }
    std::sort(result.begin(), result.end(), [](const auto& a, const auto& b) { return a.shard < b.shard; });
    return result;
  }

 private:
  std::optional<size_t> position(storage::incarnation_id owner) const {
    auto at = std::lower_bound(owners_.begin(), owners_.end(), owner);
    if (at == owners_.end() || *at != owner)
      return std::nullopt;
    return static_cast<size_t>(at - owners_.begin());
  }

  void set_quotas() {
    std::vector<size_t> by_held(owners_.size());
    std::iota(by_held.begin(), by_held.end(), size_t{0});
    std::stable_sort(by_held.begin(), by_held.end(),
                     [&](size_t a, size_t b) { return shares_[a].held > shares_[b].held; });
    auto even = shards_.size() / owners_.size();
    auto one_more = shards_.size() % owners_.size();
    for (size_t i = 0; i < by_held.size(); ++i)
      shares_[by_held[i]].quota = even + (i < one_more ? 1 : 0);
  }

  /// Every shard that may leave paired with every node that wants some, strongest preference first.
  std::vector<offer> offers() {
    taken_.assign(shards_.size(), false);
    std::vector<offer> result;
    for (size_t to = 0; to < owners_.size(); ++to) {
      if (shares_[to].wanted() == 0)
        continue;
      for (size_t s = 0; s < shards_.size(); ++s)
        if (!holders_[s] || shares_[*holders_[s]].surplus() != 0)
          result.push_back({preference(owners_[to], shards_[s].shard), s, to});
    }
    std::sort(result.begin(), result.end(), [&](const offer& a, const offer& b) {
      if (a.weight != b.weight)
        return a.weight > b.weight;
      return shards_[a.shard].shard < shards_[b.shard].shard;
    });
    return result;
  }

  const std::vector<storage::cluster_shard>& shards_;
  const std::vector<storage::incarnation_id>& owners_;
  std::vector<share> shares_;
  std::vector<std::optional<size_t>> holders_; // by position in `shards_`; empty: no eligible owner
  std::vector<bool> taken_;
};

} // namespace

std::vector<storage::shard_change> plan_changes(const std::vector<storage::cluster_shard>& shards,
                                                const std::vector<storage::incarnation_id>& owners) {
  assert(std::is_sorted(owners.begin(), owners.end()));
  assert(std::adjacent_find(owners.begin(), owners.end()) == owners.end());
  if (owners.empty())
    return {};
  return planner{shards, owners}.changes();
}

} // namespace beckon::cluster
