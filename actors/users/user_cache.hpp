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
  bool answer_looked_up = false; // the store knows no answer for its request id
};

struct pending_user {
  user_ask_ptr ask;
  caf::typed_response_promise<user_answer_ptr> promise;
  uint32_t loads = 0; // of this user when it was asked
};

using pending_ask = std::variant<pending_decide, pending_user>;

/// What is under way for one user: exists only while something is.
struct user_work {
  std::deque<pending_ask> waiting;          // behind the load or write that is under way
  uint64_t token = 0;                       // of what is under way; 0: nothing
  pending_ask current;                      // whose look-up or write it is, unless it is a load
  decide_answer_ptr answer;                 // what the claim says once it is durable
  decision::user_state next;                // what the state is once the claim is durable
  std::optional<decision::user_state> kept; // while it is read again: what stands if that fails
  /// Given before its charge was durable (durability.claims=queued), and still to be charged.
  decide_answer_ptr owed;
  std::shared_ptr<const decision::attributes> profile; // what the profile is once it is written
  bool created = false;                                // the profile write makes a first profile
};

/// One cached user.
struct user_entry {
  enum class phase : uint8_t {
    absent,
    loading, // state and profile are on their way
    ready,
    asking,  // the store is asked for the answer to a request id
    writing, // a claim, a profile or an erasure is on its way
    owing,   // a charge could not be made durable and is tried again after a pause
  };

  decision::user_state state;
  std::shared_ptr<const decision::attributes> profile; // null: none
  std::unique_ptr<user_work> work;
  const std::string* user = nullptr; // the key, which the map keeps in place
  user_entry* newer = nullptr;       // neighbours in order of use
  user_entry* older = nullptr;
  int64_t read_again_ms = 0; // from then on it is read again before a decision
  uint32_t loads = 0;        // how often it was read
  phase now = phase::absent;
  bool found = false;    // the store knows this user
  bool doubtful = false; // a write or a reading failed: the store may hold something else

  bool busy() const { return work != nullptr; }
};

/// The cached users of one shard, bounded, the least recently used dropped first. Busy ones stay. Not
/// threadsafe.
class user_cache {
 public:
  explicit user_cache(size_t users_max) : users_max_(users_max) {}
  user_cache(const user_cache&) = delete;
  user_cache& operator=(const user_cache&) = delete;

  user_entry* find(const std::string& user);
  /// Finds or makes the entry and marks it as used now. May drop others; returns how many in `evicted`.
  user_entry& use(const std::string& user, size_t& evicted);
  void erase(const std::string& user);
  /// Drops all, busy or not.
  void clear();
  void resize(size_t users_max) { users_max_ = users_max; }
  size_t size() const { return entries_.size(); }
  /// Drops the least recently used users beyond the bound, passing over busy ones and `keep`; returns how
  /// many.
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
