#include "actors/context/node_context.hpp"

#include "actors/context/cluster_context.hpp"

namespace beckon::actors {

bool node_context::may_claim() const {
  return !cluster || cluster->steady_ms() < cluster->lease_until_ms;
}

void node_health::fail(std::string reason) {
  std::lock_guard guard{mutex_};
  if (fatal_reason_.empty())
    fatal_reason_ = std::move(reason);
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
