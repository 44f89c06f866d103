#pragma once

#include "storage/cluster_store.hpp"
#include "storage/error.hpp"
#include "tests/storage/job_samples.hpp"

#include <caf/expected.hpp>
#include <caf/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <utility>

/// What tests of the cluster's tables say and read.
namespace beckon::storage::test {

/// A lease that no test outlives.
constexpr int64_t long_ms = 600'000;

inline joining_node node_named(const std::string& name, int64_t lease_ms = long_ms) {
  return {"shop", name, "identity of " + name.substr(0, 200), "127.0.0.1:1", "127.0.0.1:2", "test", lease_ms};
}

/// The value, or the test fails.
template <class T>
T of(caf::expected<T> result) {
  if (!result)
    CAF_FAIL(describe(result.error()));
  return std::move(*result);
}

template <class T>
errc failure_of(const caf::expected<T>& result) {
  return result ? errc{} : storage::code_of(result.error());
}

/// "shard 3 of 7 epoch 2 draining to 9".
inline std::string text_of(const cluster_shard& s) {
  return "shard " + std::to_string(s.shard) + (s.known ? " of " : " unknown ") + std::to_string(s.owner)
         + " epoch " + std::to_string(s.epoch) + " " + to_string(s.state) + " to "
         + std::to_string(s.next_owner);
}

/// The n-th user of a shard whose number is `rest` modulo two: of one database if there are two.
/// two.
inline std::string user_of(uint32_t rest, int n) {
  for (int i = 0;; ++i) {
    auto id = "user-" + std::to_string(i);
    if (decision::shard_of(id) % 2 == rest && n-- == 0)
      return id;
  }
}

inline uint16_t shard_of(const std::string& user) {
  return static_cast<uint16_t>(decision::shard_of(user));
}

} // namespace beckon::storage::test
