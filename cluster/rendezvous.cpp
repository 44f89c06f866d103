#include "cluster/rendezvous.hpp"

namespace beckon::cluster {

namespace {

/// The finalizer of MurmurHash3: a bijection, so that what differs stays different.
uint64_t mix(uint64_t h) {
  h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
  h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
  return h ^ (h >> 33);
}

constexpr uint64_t golden =
    0x9e3779b97f4a7c15u; // 2^64 / golden ratio: keeps small numbers away from 0, which mix keeps

} // namespace

uint64_t preference(storage::incarnation_id node, uint16_t shard) {
  // Both are mixed first: incarnations and shards are small numbers in a row, and so are what is left of them
  // when they are merely added.
  return mix(mix(node + golden) + mix((uint64_t{shard} + 1) * golden));
}

} // namespace beckon::cluster
