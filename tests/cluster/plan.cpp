#define CAF_SUITE cluster.plan

#include "cluster/plan.hpp"

#include "cluster/rendezvous.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace beckon;
using namespace beckon::cluster;

namespace {

using ids = std::vector<storage::incarnation_id>;
using table = std::vector<storage::cluster_shard>;
using changes = std::vector<storage::shard_change>;

/// Tables and nodes as they may come out of any history.
struct scene {
  table shards;
  ids owners;
};

class scene_maker {
 public:
  explicit scene_maker(uint64_t seed) : random_(seed) {}

  uint64_t pick(uint64_t below) { return random_() % below; }

  scene make() {
    scene s;
    std::set<storage::incarnation_id> living;
    for (auto n = 1 + pick(12); n > 0; --n)
      living.insert(1 + (pick(4) == 0 ? random_() % UINT64_MAX : pick(40)));
    s.owners.assign(living.begin(), living.end());
    s.shards.resize(pick(4) == 0 ? 1 + pick(40) : 256);
    auto candidates = s.owners;
    candidates.push_back(0);
    for (auto n = pick(3); n > 0; --n)
      candidates.push_back(1000 + pick(5)); // gone
    // Some hold much, others little or nothing.
    std::shuffle(candidates.begin(), candidates.end(), random_);
    candidates.resize(1 + pick(candidates.size()));
    auto favourites = 1 + pick(candidates.size());
    for (size_t i = 0; i < s.shards.size(); ++i) {
      auto among = pick(3) == 0 ? candidates.size() : favourites;
      s.shards[i].shard = static_cast<uint16_t>(i);
      s.shards[i].owner = candidates[pick(among)];
      s.shards[i].epoch = pick(100);
    }
    return s;
  }

  std::mt19937_64& random() { return random_; }

 private:
  std::mt19937_64 random_;
};

std::map<storage::incarnation_id, size_t> held_by(const table& shards, const ids& owners) {
  std::map<storage::incarnation_id, size_t> result;
  for (auto o : owners)
    result[o] = 0;
  for (const auto& s : shards)
    if (auto at = result.find(s.owner); at != result.end())
      ++at->second;
  return result;
}

void apply(table& shards, const storage::shard_change& c) {
  auto& s = shards[c.shard];
  s.owner = c.to;
  ++s.epoch;
}

table applied(table shards, const changes& all) {
  for (const auto& c : all)
    apply(shards, c);
  return shards;
}

/// The final quotas by the rule, computed in another way: one shard at a time to the next node due.
std::map<storage::incarnation_id, size_t> quotas(const scene& s) {
  auto held = held_by(s.shards, s.owners);
  std::map<storage::incarnation_id, size_t> result;
  for (auto o : s.owners)
    result[o] = s.shards.size() / s.owners.size();
  std::set<storage::incarnation_id> served;
  for (auto rest = s.shards.size() % s.owners.size(); rest > 0; --rest) {
    std::optional<storage::incarnation_id> next;
    for (auto o : s.owners)
      if (served.count(o) == 0 && (!next || held[o] > held[*next]))
        next = o;
    served.insert(*next);
    ++result[*next];
  }
  return result;
}

/// The fewest changes that lead to any even spread: what nobody has, and what is beyond the larger share;
/// those who hold just the larger share may keep it as far as it goes round.
size_t fewest_changes(const scene& s) {
  auto held = held_by(s.shards, s.owners);
  auto even = s.shards.size() / s.owners.size();
  auto larger = s.shards.size() % s.owners.size();
  size_t kept = 0;
  for (const auto& [owner, n] : held) {
    kept += std::min(n, even);
    if (n > even && larger > 0) {
      ++kept;
      --larger;
    }
  }
  return s.shards.size() - kept;
}

bool same(const changes& a, const changes& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.shard == y.shard && x.owner == y.owner && x.epoch == y.epoch && x.to == y.to;
  });
}

/// What is wrong with the plan of a scene; empty: nothing.
std::string fault_of(const scene& s) {
  auto plan = plan_changes(s.shards, s.owners);
  std::set<uint16_t> moved;
  for (size_t i = 0; i < plan.size(); ++i) {
    const auto& c = plan[i];
    const auto& shard = s.shards[c.shard];
    if (i > 0 && plan[i - 1].shard >= c.shard)
      return "not sorted by shard, or twice";
    if (c.owner != shard.owner || c.epoch != shard.epoch)
      return "owner and epoch are not those of the table";
    if (c.to == c.owner || !std::binary_search(s.owners.begin(), s.owners.end(), c.to))
      return "goes to nobody, or to whom it belongs";
  }
  auto after = applied(s.shards, plan);
  if (held_by(after, s.owners) != quotas(s))
    return "the quotas are not kept";
  if (plan.size() != fewest_changes(s))
    return std::to_string(plan.size()) + " changes, not " + std::to_string(fewest_changes(s));
  if (!plan_changes(after, s.owners).empty())
    return "not at rest when applied";
  if (!same(plan, plan_changes(s.shards, s.owners)))
    return "not the same again";
  return {};
}

/// Each receiver prefers what it gets to what it could have had instead: free to leave, and not taken by
/// anybody.
std::string preference_fault(const scene& s) {
  auto plan = plan_changes(s.shards, s.owners);
  std::map<uint16_t, storage::incarnation_id> taken;
  for (const auto& c : plan)
    taken[c.shard] = c.to;
  for (const auto& c : plan)
    for (const auto& other : s.shards)
      if (taken.count(other.shard) == 0 && other.owner == c.owner
          && preference(c.to, other.shard) > preference(c.to, c.shard))
        return "shard " + std::to_string(c.shard) + " goes where shard " + std::to_string(other.shard)
               + " is preferred";
  for (const auto& a : plan)
    for (const auto& b : plan)
      if (preference(b.to, a.shard) > std::max(preference(a.to, a.shard), preference(b.to, b.shard)))
        return "shard " + std::to_string(a.shard) + " and its other taker would rather have each other";
  return {};
}

table fresh_table() {
  table result(256);
  for (size_t i = 0; i < result.size(); ++i)
    result[i].shard = static_cast<uint16_t>(i);
  return result;
}

} // namespace

CAF_TEST(no node owns nothing and one owns all) {
  CAF_CHECK(plan_changes(fresh_table(), {}).empty());
  CAF_CHECK(plan_changes({}, {3}).empty());
  auto plan = plan_changes(fresh_table(), {3});
  CAF_REQUIRE_EQUAL(plan.size(), 256u);
  for (size_t i = 0; i < plan.size(); ++i)
    CAF_CHECK(plan[i].shard == i && plan[i].owner == 0 && plan[i].to == 3);
}

CAF_TEST(the plan of known tables never changes) {
  auto shards = applied(fresh_table(), plan_changes(fresh_table(), {1, 2, 3}));
  std::string owners;
  for (size_t i = 0; i < 32; ++i)
    owners += static_cast<char>('0' + shards[i].owner);
  CAF_CHECK_EQUAL(owners, "23333113222232321122221322213121");
  std::string joined;
  for (const auto& c : plan_changes(shards, {1, 2, 3, 4}))
    joined += std::to_string(c.shard) + " ";
  CAF_CHECK_EQUAL(joined, "1 7 9 15 17 19 21 22 23 28 35 39 41 45 48 52 54 55 63 70 71 79 81 84 94 98 102 "
                          "103 106 107 114 117 118 125 127 129 138 140 143 146 148 151 156 160 166 170 178 "
                          "185 190 192 199 202 203 204 206 209 210 212 213 223 241 245 249 254 ");
}

CAF_TEST(the largest holders keep one more and ties go to the lower incarnation) {
  auto shards = fresh_table();
  shards.resize(11);
  for (size_t i = 0; i < shards.size(); ++i)
    shards[i].owner = i < 3 ? 5 : (i < 7 ? 9 : 2); // 5 has 3, 9 and 2 have 4 each
  CAF_CHECK(plan_changes(shards, {2, 5, 9}).empty());
  auto plan = plan_changes(shards, {2, 5, 7, 9});
  auto after = held_by(applied(shards, plan), {2, 5, 7, 9});
  CAF_CHECK_EQUAL(plan.size(), 2u);
  CAF_CHECK(after[2] == 3 && after[9] == 3 && after[5] == 3 && after[7] == 2);
  auto even = held_by(applied(fresh_table(), plan_changes(fresh_table(), {4, 6, 8})), {4, 6, 8});
  CAF_CHECK(even[4] == 86 && even[6] == 85 && even[8] == 85);
}

CAF_TEST(random tables are spread evenly with the fewest changes) {
  uint64_t seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  for (uint64_t i = 0; i < 5'000; ++i) {
    auto fault = fault_of(scene_maker{seed + i}.make());
    if (!fault.empty())
      CAF_FAIL("seed " << seed + i << ": " << fault);
  }
}

CAF_TEST(shards go to the nodes that prefer them) {
  uint64_t seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  for (uint64_t i = 0; i < 300; ++i) {
    auto fault = preference_fault(scene_maker{seed + i}.make());
    if (!fault.empty())
      CAF_FAIL("seed " << seed + i << ": " << fault);
  }
}

CAF_TEST(the order of the table does not matter) {
  uint64_t seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  for (uint64_t i = 0; i < 500; ++i) {
    scene_maker maker{seed + i};
    auto s = maker.make();
    auto plan = plan_changes(s.shards, s.owners);
    std::shuffle(s.shards.begin(), s.shards.end(), maker.random());
    if (!same(plan, plan_changes(s.shards, s.owners)))
      CAF_FAIL("seed " << seed + i);
  }
}

CAF_TEST(a join moves no more than its share and only to the node that joins) {
  uint64_t seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  for (uint64_t i = 0; i < 2'000; ++i) {
    auto s = scene_maker{seed + i}.make();
    auto shards = applied(s.shards, plan_changes(s.shards, s.owners));
    auto joiner = seed % 50 + i + 1;
    auto owners = s.owners;
    auto at = std::lower_bound(owners.begin(), owners.end(), joiner);
    if (at != owners.end() && *at == joiner)
      continue;
    owners.insert(at, joiner);
    auto plan = plan_changes(shards, owners);
    auto share = (shards.size() + owners.size() - 1) / owners.size();
    bool only_joiner = std::all_of(plan.begin(), plan.end(), [&](const auto& c) { return c.to == joiner; });
    if (plan.size() > share || !only_joiner)
      CAF_FAIL("seed " << seed + i << ": " << plan.size() << " moves of at most " << share);
  }
}

CAF_TEST(an end moves only what the node that is gone had) {
  uint64_t seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  for (uint64_t i = 0; i < 2'000; ++i) {
    scene_maker maker{seed + i};
    auto s = maker.make();
    if (s.owners.size() < 2)
      continue;
    auto shards = applied(s.shards, plan_changes(s.shards, s.owners));
    auto owners = s.owners;
    auto gone = owners.begin() + static_cast<std::ptrdiff_t>(maker.pick(owners.size()));
    auto id = *gone;
    owners.erase(gone);
    auto had = held_by(shards, s.owners)[id];
    auto plan = plan_changes(shards, owners);
    bool only_its = std::all_of(plan.begin(), plan.end(), [&](const auto& c) { return c.owner == id; });
    if (plan.size() != had || !only_its)
      CAF_FAIL("seed " << seed + i << ": " << plan.size() << " moves for " << had << " shards");
  }
}

CAF_TEST(changes made a few at a time and planned again come to the same count) {
  uint64_t seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  for (uint64_t i = 0; i < 200; ++i) {
    scene_maker maker{seed + i};
    auto s = maker.make();
    auto wanted = plan_changes(s.shards, s.owners).size();
    size_t made = 0;
    for (auto plan = plan_changes(s.shards, s.owners); !plan.empty();
         plan = plan_changes(s.shards, s.owners)) {
      std::shuffle(plan.begin(), plan.end(), maker.random());
      plan.resize(std::min<size_t>(plan.size(), 1 + maker.pick(4)));
      for (const auto& c : plan)
        apply(s.shards, c);
      made += plan.size();
      CAF_REQUIRE(made <= wanted);
    }
    if (made != wanted)
      CAF_FAIL("seed " << seed + i << ": " << made << " changes, not " << wanted);
  }
}

CAF_TEST(from one node to five and back) {
  auto shards = fresh_table();
  size_t moves = 0;
  auto settle = [&](const ids& owners) {
    auto plan = plan_changes(shards, owners);
    shards = applied(shards, plan);
    for (const auto& [owner, n] : held_by(shards, owners))
      CAF_CHECK(n == 256 / owners.size() || n == 256 / owners.size() + 1);
    return plan.size();
  };
  CAF_CHECK_EQUAL(settle({1}), 256u);
  for (auto owners : {ids{1, 2}, ids{1, 2, 3}, ids{1, 2, 3, 4}, ids{1, 2, 3, 4, 5}})
    CAF_CHECK_EQUAL(settle(owners), 256 / owners.size());
  for (auto owners : {ids{2, 3, 4, 5}, ids{2, 3, 5}, ids{3, 5}, ids{5}})
    moves += settle(owners);
  CAF_CHECK(moves >= 51u + 64u + 85u + 128u && moves <= 52u + 64u + 86u + 128u);
  for (const auto& s : shards)
    CAF_CHECK_EQUAL(s.owner, 5u);
}
