#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace beckon::storage {

/// Which events of a listing an erasure has yet to delete. Few users at a time are marked, mostly none.
class erased_events {
 public:
  /// Events of `user` up to number `last_seq` are erased.
  void add(std::string_view user, int64_t last_seq) { last_of_.emplace(user, last_seq); }

  bool none() const { return last_of_.empty(); }

  bool contain(std::string_view user, int64_t seq) const {
    if (none())
      return false;
    auto found = last_of_.find(std::string{user});
    return found != last_of_.end() && seq <= found->second;
  }

 private:
  std::unordered_map<std::string, int64_t> last_of_;
};

} // namespace beckon::storage
