#define CAF_SUITE decision.hash

#include "decision/hash.hpp"

#include <caf/test/unit_test.hpp>

#include <random>
#include <set>
#include <string>
#include <vector>

using namespace beckon::decision;

CAF_TEST(murmur3 vectors) {
  CAF_CHECK_EQUAL(murmur3_32("", 0), 0u);
  CAF_CHECK_EQUAL(murmur3_32("", 1), 0x514E28B7u);
  CAF_CHECK_EQUAL(murmur3_32("ejOoVL", 0), 0x00000000u);
  CAF_CHECK_EQUAL(murmur3_32("bY9fO-", 0), 0x00000001u);
  CAF_CHECK_EQUAL(murmur3_32("SI7p-", 0), 0x7fffffffu);
  CAF_CHECK_EQUAL(murmur3_32("6LvT0", 0), 0x80000000u);
  CAF_CHECK_EQUAL(murmur3_32("ceQdGm", 0), 0xffffffffu);
  CAF_CHECK_EQUAL(murmur3_32("test", 0x9747b28c), 0x704b81dcu);
  CAF_CHECK_EQUAL(murmur3_32("Hello, world!", 0x9747b28c), 0x24884CBAu);
  CAF_CHECK_EQUAL(murmur3_32("The quick brown fox jumps over the lazy dog", 0x9747b28c), 0x2FA826CDu);
  CAF_CHECK_EQUAL(murmur3_32("\xff\xff\xff\xff", 0), 0x76293B50u);
}

CAF_TEST(salt and user hash as their joined text) {
  for (size_t salt : {0, 1, 12, 128, 400})
    for (size_t user : {0, 1, 7, 128, 191, 192, 500}) {
      std::string s(salt, 's');
      std::string u(user, 'u');
      CAF_CHECK_EQUAL(murmur3_32(s, u, 7), murmur3_32(s + ":" + u, 7));
    }
}

CAF_TEST(buckets follow the written formula) {
  for (int i = 0; i < 1000; ++i) {
    auto user = "user-" + std::to_string(i);
    auto hash = static_cast<uint64_t>(murmur3_32("welcome:" + user, 0));
    auto bucket = rollout_bucket("welcome", user);
    CAF_CHECK_EQUAL(bucket, static_cast<uint32_t>((hash * 10000) >> 32));
    CAF_REQUIRE(bucket < 10000);
    CAF_CHECK_EQUAL(in_rollout("welcome", user, 25.0), bucket < 2500);
  }
}

CAF_TEST(a rollout takes about its share and growing it only adds) {
  for (double percent : {0.0, 0.07, 0.5, 5.0, 25.0, 50.0, 99.9, 100.0}) {
    int in = 0;
    for (int i = 0; i < 100'000; ++i) {
      auto user = "u" + std::to_string(i);
      bool now = in_rollout("s", user, percent);
      in += now ? 1 : 0;
      if (now)
        CAF_REQUIRE(in_rollout("s", user, percent + 0.5));
    }
    CAF_CHECK(std::abs(in - percent * 1000) <= 450); // three standard deviations at half
  }
}

CAF_TEST(a percentage lets in exactly its buckets) {
  std::vector<std::string> user_of(10'000);
  for (int i = 0, found = 0; found < 10'000 && i < 2'000'000; ++i) {
    auto user = std::to_string(i);
    auto& place = user_of[rollout_bucket("x", user)];
    found += place.empty() ? 1 : 0;
    place = user;
  }
  for (int limit : {1, 7, 29, 57, 58, 113, 1999, 9999}) {
    double percent = limit / 100.0;
    CAF_CHECK(in_rollout("x", user_of[static_cast<size_t>(limit - 1)], percent));
    CAF_CHECK(!in_rollout("x", user_of[static_cast<size_t>(limit)], percent));
  }
}

CAF_TEST(the shard of a user stays for ever) {
  CAF_CHECK_EQUAL(user_hash(""), 0xefd01f60ba992926u);
  CAF_CHECK_EQUAL(user_hash("u-123"), 0xab81c6ff871bf005u);
  std::vector<int> counts(shard_count);
  for (int i = 0; i < 256'000; ++i)
    ++counts[shard_of("u-" + std::to_string(i))];
  for (int count : counts)
    CAF_CHECK(count > 800 && count < 1200);
}
