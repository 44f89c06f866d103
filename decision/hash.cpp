#include "decision/hash.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>

namespace beckon::decision {

namespace {

uint32_t rotate(uint32_t x, int bits) {
  return (x << bits) | (x >> (32 - bits));
}

uint32_t mix_block(uint32_t k) {
  return rotate(k * 0xcc9e2d51u, 15) * 0x1b873593u;
}

uint32_t little_endian(const char* bytes, size_t count) {
  uint32_t result = 0;
  for (size_t i = 0; i < count; ++i)
    result |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return result;
}

} // namespace

uint32_t murmur3_32(std::string_view data, uint32_t seed) {
  uint32_t h = seed;
  size_t blocks_bytes = data.size() & ~size_t{3};
  for (size_t i = 0; i < blocks_bytes; i += 4)
    h = rotate(h ^ mix_block(little_endian(data.data() + i, 4)), 13) * 5 + 0xe6546b64u;
  if (blocks_bytes != data.size())
    h ^= mix_block(little_endian(data.data() + blocks_bytes, data.size() - blocks_bytes));
  h ^= static_cast<uint32_t>(data.size());
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}

uint32_t murmur3_32(std::string_view salt, std::string_view user, uint32_t seed) {
  std::array<char, 320> joined; // two identifiers and the colon, with room
  size_t size = salt.size() + 1 + user.size();
  if (size > joined.size())
    return murmur3_32(std::string{salt}.append(":").append(user), seed);
  char* at = joined.data();
  at = std::copy(salt.begin(), salt.end(), at);
  *at++ = ':';
  std::copy(user.begin(), user.end(), at);
  return murmur3_32(std::string_view{joined.data(), size}, seed);
}

uint32_t rollout_bucket(std::string_view salt, std::string_view user) {
  return static_cast<uint32_t>((uint64_t{murmur3_32(salt, user, 0)} * 10000) >> 32);
}

bool in_rollout(std::string_view salt, std::string_view user, double percent) {
  if (percent >= 100.0)
    return true;
  if (!(percent > 0.0))
    return false;
  // In binary 0.07 × 100 is slightly more than 7, which would admit an eighth bucket.
  double limit = percent * 100.0;
  if (double whole = std::round(limit); std::abs(limit - whole) < 1e-6)
    limit = whole;
  return rollout_bucket(salt, user) < limit;
}

uint64_t user_hash(std::string_view user) {
  uint64_t h = 14695981039346656037u;
  for (char c : user)
    h = (h ^ static_cast<unsigned char>(c)) * 1099511628211u;
  h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
  h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
  return h ^ (h >> 33);
}

} // namespace beckon::decision
