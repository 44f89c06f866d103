#pragma once

#include "actors/context/interfaces.hpp"
#include "decision/user_state.hpp"

#include <caf/typed_response_promise.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

namespace beckon::actors {

struct pending_decide {
  decide_ask_ptr ask;
  caf::typed_response_promise<decide_answer_ptr> promise;
  bool answer_looked_up = false; // the store has no answer for its request id
};

struct pending_user {
  user_ask_ptr ask;
  caf::typed_response_promise<user_answer_ptr> promise;
  uint32_t loads = 0; // of this user at the time of asking
};

using pending_ask = std::variant<pending_decide, pending_user>;

/// The running work for one user; exists only during work.
struct user_work {
  std::deque<pending_ask> waiting;          // behind the running load or write
  uint64_t token = 0;                       // of the running work; 0: none
  pending_ask current;                      // the ask being looked up or written, unless it is a load
  decide_answer_ptr answer;                 // the answer, once the claim is durable
  decision::user_state next;                // the state, once the claim is durable
  std::optional<decision::user_state> kept; // during a reload: the state that stays if it fails
  /// Answered before its charge was durable (durability.claims=queued), and not charged yet.
  decide_answer_ptr owed;
  std::shared_ptr<const decision::attributes> profile; // the profile, once it is written
  bool created = false;                                // the write creates a first profile
};

/// One cached user.
struct user_entry {
  enum class phase : uint8_t {
    absent,
    loading, // loading state and profile
    ready,
    asking,  // asking the store for the answer to a request id
    writing, // writing a claim, a profile or an erasure
    owing,   // a charge failed and is retried after a pause
  };

  decision::user_state state;
  std::shared_ptr<const decision::attributes> profile; // null: none
  std::unique_ptr<user_work> work;
  const std::string* user = nullptr; // the key, whose address in the map is stable
  user_entry* newer = nullptr;       // neighbours in order of use
  user_entry* older = nullptr;
  int64_t read_again_ms = 0; // from then on reload before a decision
  uint32_t loads = 0;        // how often it was loaded
  phase now = phase::absent;
  bool found = false;    // the store knows this user
  bool doubtful = false; // a write or a load failed: the store may differ

  bool busy() const { return work != nullptr; }
};

/// The cached users of one shard, bounded; the least recently used is dropped first. Busy ones stay. Not
/// threadsafe.
class user_cache {
 public:
  explicit user_cache(size_t users_max) : users_max_(users_max) {}
  user_cache(const user_cache&) = delete;
  user_cache& operator=(const user_cache&) = delete;

  user_entry* find(const std::string& user);
  /// Finds or creates the entry and marks it as used. May drop others; returns how many in `evicted`.
  user_entry& use(const std::string& user, size_t& evicted);
  void erase(const std::string& user);
  /// Drops all, even busy ones.
  void clear();
  void resize(size_t users_max) { users_max_ = users_max; }
  size_t size() const { return entries_.size(); }
  /// Drops the least recently used users beyond the bound, except busy ones and `keep`; returns how many.
  size_t shrink(const user_entry* keep);

 private:
  void unlink(user_entry& e);
  void link_newest(user_entry& e);

  size_t users_max_;
  std::unordered_map<std::string, user_entry> entries_;
  user_entry* newest_ = nullptr;
  user_entry* oldest_ = nullptr;
};

} // namespace beckon::actors
