#include "actors/context/node_context.hpp"

#include "actors/context/cluster_context.hpp"

namespace beckon::actors {

bool node_context::may_claim() const {
  return !cluster || cluster->steady_ms() < cluster->lease_until_ms;
}

uint64_t change_bell::add(std::function<void()> hear) {
  std::lock_guard guard{mutex_};
  hearers_.emplace(++last_id_, std::move(hear));
  return last_id_;
}

void change_bell::remove(uint64_t id) {
  std::lock_guard guard{mutex_};
  hearers_.erase(id);
}

void change_bell::ring() {
  std::lock_guard guard{mutex_};
  for (const auto& [id, hear] : hearers_)
    hear();
}

void node_health::fail(std::string reason) {
  {
    std::lock_guard guard{mutex_};
    if (!fatal_reason_.empty())
      return;
    fatal_reason_ = std::move(reason);
  }
  bell.ring();
}

std::string node_health::fatal_reason() const {
  std::lock_guard guard{mutex_};
  return fatal_reason_;
}

void write_health::fault(std::string detail) {
  std::lock_guard guard{mutex_};
  fault_ = std::move(detail);
}

std::string write_health::fault() const {
  std::lock_guard guard{mutex_};
  return fault_;
}

} // namespace beckon::actors
