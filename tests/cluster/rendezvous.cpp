#define CAF_SUITE cluster.rendezvous

#include "cluster/rendezvous.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <vector>

using namespace beckon;
using namespace beckon::cluster;

namespace {

constexpr uint16_t shards = 256;

storage::incarnation_id preferred(const std::vector<storage::incarnation_id>& nodes, uint16_t shard) {
  storage::incarnation_id best = nodes.front();
  for (auto n : nodes)
    if (preference(n, shard) > preference(best, shard))
      best = n;
  return best;
}

std::vector<storage::incarnation_id> first_nodes(size_t count) {
  std::vector<storage::incarnation_id> result;
  for (size_t i = 1; i <= count; ++i)
    result.push_back(i);
  return result;
}

} // namespace

CAF_TEST(preferences never change) {
  struct known {
    storage::incarnation_id node;
    uint16_t shard;
    uint64_t weight;
  };
  const std::array<known, 6> table = {{
      {1, 0, 0x67ff53d35dc74faeu},
      {1, 1, 0x308a7c5eacbea79eu},
      {2, 0, 0xa775567edb912c36u},
      {7, 255, 0x201cbcd6253ddfe0u},
      {1000003, 128, 0x2720350cbf7bc4f8u},
      {UINT64_MAX, 65535, 0x4bd317af93faa3c4u},
  }};
  for (const auto& k : table)
    CAF_CHECK_EQUAL(preference(k.node, k.shard), k.weight);
}

CAF_TEST(no two nodes tie) {
  for (uint16_t shard : {uint16_t{0}, uint16_t{1}, uint16_t{255}}) {
    std::set<uint64_t> weights;
    for (storage::incarnation_id n = 0; n < 20'000; ++n)
      weights.insert(preference(n, shard));
    CAF_CHECK_EQUAL(weights.size(), 20'000u);
  }
}

CAF_TEST(incarnations in a row are preferred about equally often) {
  for (size_t count : {2u, 3u, 5u, 8u}) {
    size_t least = shards;
    size_t most = 0;
    for (storage::incarnation_id first = 1; first < 50; ++first) {
      std::map<storage::incarnation_id, size_t> held;
      std::vector<storage::incarnation_id> nodes;
      for (size_t i = 0; i < count; ++i)
        nodes.push_back(first + i);
      for (auto n : nodes)
        held[n] = 0;
      for (uint16_t s = 0; s < shards; ++s)
        ++held[preferred(nodes, s)];
      for (const auto& [node, n] : held) {
        least = std::min(least, n);
        most = std::max(most, n);
      }
    }
    // Five standard deviations of a fair draw.
    double even = static_cast<double>(shards) / static_cast<double>(count);
    double width = 5 * std::sqrt(even * (1 - 1.0 / static_cast<double>(count)));
    CAF_CHECK(static_cast<double>(least) > even - width);
    CAF_CHECK(static_cast<double>(most) < even + width);
  }
}

CAF_TEST(a node more takes only what it prefers and a node less leaves the rest as it is) {
  for (size_t count = 1; count < 10; ++count) {
    auto before = first_nodes(count);
    auto after = first_nodes(count + 1);
    for (uint16_t s = 0; s < shards; ++s) {
      auto now = preferred(after, s);
      CAF_CHECK(now == preferred(before, s) || now == after.back());
    }
  }
}
