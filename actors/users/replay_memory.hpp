#pragma once

#include "actors/context/interfaces.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace beckon::actors {

/// The last answers without a claim that carried a request id, so that a retry gets the same answer. A ring:
/// the oldest is dropped first. Lost on a crash, which the API allows for answers that charge nothing. Not
/// threadsafe.
class replay_memory {
 public:
  explicit replay_memory(size_t answers_max) : answers_max_(answers_max) {}

  void remember(decide_answer_ptr answer);
  /// The answer to this user's request id given since `not_before_ms`; null if it is unknown or forgotten.
  decide_answer_ptr find(const std::string& user, const std::string& request_id, int64_t not_before_ms) const;
  /// Forgets a user's answers after an erasure.
  void forget(const std::string& user);
  void forget_all();

 private:
  static uint64_t key(const std::string& user, const std::string& request_id);

  size_t answers_max_;
  size_t next_ = 0;
  std::vector<uint64_t> keys_;
  std::vector<decide_answer_ptr> answers_;
};

} // namespace beckon::actors
