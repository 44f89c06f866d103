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
  };

  explicit work_queue(bounds b) : bounds_(b) {}

  /// False, and the item untouched, when a bound would be passed. An item larger than the byte bound is taken
  /// by an empty queue, so that nothing is refused for ever.
  bool push(T&& item, size_t bytes) {
    if (items_.size() >= bounds_.items_max)
      return false;
    if (!items_.empty() && bytes > bounds_.bytes_max - std::min(bytes_, bounds_.bytes_max))
      return false;
    items_.emplace_back(std::move(item), bytes);
    bytes_ += bytes;
    return true;
  }

  /// The oldest items: at least one if there is any, then as many as stay within both bounds.
  std::vector<T> take(bounds most) {
    std::vector<T> batch;
    batch.reserve(std::min(items_.size(), most.items_max));
    size_t taken_bytes = 0;
    while (!items_.empty() && batch.size() < most.items_max) {
      auto bytes = items_.front().second;
      if (!batch.empty() && taken_bytes + bytes > most.bytes_max)
        break;
      batch.push_back(std::move(items_.front().first));
      items_.pop_front();
      taken_bytes += bytes;
      bytes_ -= bytes;
    }
    return batch;
  }

  size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  size_t bytes() const { return bytes_; }

 private:
  bounds bounds_;
  std::deque<std::pair<T, size_t>> items_;
  size_t bytes_ = 0;
};

} // namespace beckon::actors
