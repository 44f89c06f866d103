#include "cluster/rendezvous.hpp"

namespace beckon::cluster {

namespace {

/// The finalizer of MurmurHash3: a bijection, so distinct values stay distinct.
uint64_t mix(uint64_t h) {
  h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
  h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
  return h ^ (h >> 33);
}

constexpr uint64_t golden =
    0x9e3779b97f4a7c15u; // 2^64 / golden ratio: moves small numbers away from 0, which mix maps to itself

} // namespace

uint64_t preference(storage::incarnation_id node, uint16_t shard) {
  // Mix both first: incarnations and shards are small consecutive numbers, and so would be their sum.
  return mix(mix(node + golden) + mix((uint64_t{shard} + 1) * golden));
}

} // namespace beckon::cluster
