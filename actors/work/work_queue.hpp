#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace beckon::actors {

/// A first-in-first-out queue bounded by a number of items and a sum of bytes. Not threadsafe.
template <class T>
class work_queue {
 public:
  struct bounds {
    size_t items_max = 0;
    size_t bytes_max = SIZE_MAX;
    size_t rows_max = SIZE_MAX; // of what is taken at once; a queue itself has no such bound
  };

  /// What was taken so far.
  struct batch {
    std::vector<T> items;
    size_t bytes = 0;
    size_t rows = 0;
  };

  explicit work_queue(bounds b) : bounds_(b) {}

  /// False, and the item untouched, when a bound would be passed. An item larger than the byte bound is taken
  /// by an empty queue, so that nothing is refused for ever.
  bool push(T&& item, size_t bytes, size_t rows = 1) {
    if (items_.size() >= bounds_.items_max)
      return false;
    if (!items_.empty() && bytes > bounds_.bytes_max - std::min(bytes_, bounds_.bytes_max))
      return false;
    items_.push_back({std::move(item), bytes, rows});
    bytes_ += bytes;
    return true;
  }

  /// Moves the oldest items to `to`, as many as keep it within all bounds. One that is too large for any
  /// batch goes alone.
  void take(batch& to, bounds most) {
    while (!items_.empty() && to.items.size() < most.items_max) {
      const auto& next = items_.front();
      if (!to.items.empty()
          && (to.bytes + next.bytes > most.bytes_max || to.rows + next.rows > most.rows_max))
        break;
      to.bytes += next.bytes;
      to.rows += next.rows;
      to.items.push_back(pop());
    }
  }

  /// The oldest item; there must be one.
  const T& front() const { return items_.front().what; }
  T pop() {
    auto item = std::move(items_.front().what);
    bytes_ -= items_.front().bytes;
    items_.pop_front();
    return item;
  }

  size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  size_t bytes() const { return bytes_; }

 private:
  struct entry {
    T what;
    size_t bytes;
    size_t rows;
  };

  bounds bounds_;
  std::deque<entry> items_;
  size_t bytes_ = 0;
};

} // namespace beckon::actors
