#include "net/timer_wheel.hpp"

#include <algorithm>

namespace beckon::net {

namespace {

constexpr size_t slot_count =
    512; // a power of two; 51 s at 100 ms per tick, longer times take several rounds

void link_before(timer_entry& place, timer_entry& entry) {
  entry.previous = place.previous;
  entry.next = &place;
  place.previous->next = &entry;
  place.previous = &entry;
}

void unlink(timer_entry& entry) {
  entry.previous->next = entry.next;
  entry.next->previous = entry.previous;
  entry.previous = nullptr;
  entry.next = nullptr;
}

} // namespace

timer_wheel::timer_wheel(int64_t now_ms, int64_t tick_ms)
    : tick_ms_(tick_ms), tick_(now_ms / tick_ms), slots_(slot_count) {
  for (auto& slot : slots_)
    slot.previous = slot.next = &slot;
}

void timer_wheel::arm(timer_entry& entry, int64_t due_ms) {
  disarm(entry);
  entry.due_tick = std::max((due_ms + tick_ms_ - 1) / tick_ms_, tick_ + 1);
  link_before(slot_of(entry.due_tick), entry);
  ++armed_;
}

void timer_wheel::disarm(timer_entry& entry) {
  if (!entry.armed())
    return;
  unlink(entry);
  --armed_;
}

void timer_wheel::take_slot(timer_entry& list) {
  auto& slot = slot_of(tick_);
  list.previous = list.next = &list;
  if (slot.next == &slot)
    return;
  list.next = slot.next;
  list.previous = slot.previous;
  list.next->previous = &list;
  list.previous->next = &list;
  slot.previous = slot.next = &slot;
}

timer_entry* timer_wheel::next_due(timer_entry& list) {
  while (list.next != &list) {
    auto& entry = *list.next;
    unlink(entry);
    if (entry.due_tick <= tick_) {
      --armed_;
      return &entry;
    }
    link_before(slot_of(entry.due_tick), entry); // a later round
  }
  return nullptr;
}

} // namespace beckon::net
