#include "net/connection_table.hpp"

#include <cassert>

namespace beckon::net {

connection& connection_table::open(int fd, std::string peer, const parser_limits& limits) {
  assert(open_ < connections_limit);
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const auto slot = free_.back();
  const auto number = ((opened_ + 1) << slot_bits) | slot;
  slots_[slot] = std::make_unique<connection>(number, fd, std::move(peer), limits);
  free_.pop_back();
  ++opened_;
  ++open_;
  return *slots_[slot];
}

connection* connection_table::find(uint64_t number) const {
  const auto slot = number & slot_mask;
  if (slot >= slots_.size() || !slots_[slot] || slots_[slot]->number != number)
    return nullptr;
  return slots_[slot].get();
}

void connection_table::close(uint64_t number) {
  assert(find(number) != nullptr);
  const auto slot = static_cast<uint32_t>(number & slot_mask);
  slots_[slot].reset();
  free_.push_back(slot);
  --open_;
}

std::vector<uint64_t> connection_table::numbers() const {
  std::vector<uint64_t> result;
  result.reserve(open_);
  for (auto& slot : slots_)
    if (slot)
      result.push_back(slot->number);
  return result;
}

} // namespace beckon::net
