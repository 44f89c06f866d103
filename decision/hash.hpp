#pragma once

#include <cstdint>
#include <string_view>

namespace beckon::decision {

/// MurmurHash3 x86 32-bit (Austin Appleby, public domain algorithm), little-endian blocks.
uint32_t murmur3_32(std::string_view data, uint32_t seed);
/// The same over `salt + ":" + user` without building the string.
uint32_t murmur3_32(std::string_view salt, std::string_view user, uint32_t seed);

/// Bucket of a user in [0, 10000): (hash × 10000) >> 32 with seed 0 over `salt + ":" + user`.
uint32_t rollout_bucket(std::string_view salt, std::string_view user);

/// Whether the user is within `percent` (0 to 100) of all users.
bool in_rollout(std::string_view salt, std::string_view user, double percent);

/// 64-bit FNV-1a of the user id with the finalizer of MurmurHash3 (fmix64). The result selects a user's shard
/// and must be the same on every node for ever.
uint64_t user_hash(std::string_view user);

constexpr uint32_t shard_count = 256;
inline uint32_t shard_of(std::string_view user) {
  return static_cast<uint32_t>(user_hash(user) % shard_count);
}

} // namespace beckon::decision
