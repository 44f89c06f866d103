#include "actors/users/replay_memory.hpp"

#include "decision/hash.hpp"

#include <utility>

namespace beckon::actors {

uint64_t replay_memory::key(const std::string& user, const std::string& request_id) {
  return decision::user_hash(request_id) ^ (decision::user_hash(user) * 0x9e3779b97f4a7c15ULL);
}

void replay_memory::remember(decide_answer_ptr answer) {
  if (answers_max_ == 0)
    return;
  auto k = key(answer->ask->request.user, answer->ask->request_id);
  if (answers_.size() < answers_max_) {
    keys_.push_back(k);
    answers_.push_back(std::move(answer));
    return;
  }
  keys_[next_] = k;
  answers_[next_] = std::move(answer);
  next_ = (next_ + 1) % answers_max_;
}

decide_answer_ptr replay_memory::find(const std::string& user, const std::string& request_id,
                                      int64_t not_before_ms) const {
  auto k = key(user, request_id);
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i] != k || !answers_[i] || answers_[i]->at_ms < not_before_ms)
      continue;
    const auto& ask = *answers_[i]->ask;
    if (ask.request.user == user && ask.request_id == request_id)
      return answers_[i];
  }
  return nullptr;
}

void replay_memory::forget(const std::string& user) {
  for (auto& answer : answers_)
    if (answer && answer->ask->request.user == user)
      answer = nullptr;
}

void replay_memory::forget_all() {
  keys_.clear();
  answers_.clear();
  next_ = 0;
}

} // namespace beckon::actors
