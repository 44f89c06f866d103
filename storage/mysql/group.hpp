#pragma once

#include "decision/user_state.hpp"
#include "storage/counters.hpp"
#include "storage/mysql/statement.hpp"
#include "storage/rows.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace beckon::storage::mysql {

/// What a transaction adds to the counters; each counter is written once, at the end.
using counter_sheet = std::map<counter_key, counter_change>;

/// Executes claims, events and profiles of many jobs with few statements. It reads and locks the affected
/// rows, applies the jobs in memory in order, and writes the results, one kind of row at a time in key order,
/// in which every writer locks. Works inside the transaction of its owner, job_writer. Throws failure. Used
/// by one thread at a time.
class group_writer {
 public:
  group_writer(connection& db, counter_sheet& counters);

  /// Whether apply() supports this kind of job.
  static bool takes(const write_job& job);

  /// Runs jobs [first, last) and adds their outcomes. When it returns everything is in the tables, except the
  /// counters of popups, which are in the sheet.
  void apply(const write_job* first, const write_job* last, std::vector<write_outcome>& outcomes);

 private:
  /// An affected user, after the jobs so far.
  struct user_entry {
    bool stored = false;
    bool dirty = false;
    uint16_t shard = 0;
    uint64_t version = 0;
    int64_t next_eligible_ms = 0;
    std::string bytes;
    std::optional<decision::user_state> decoded; // of `bytes`, if events needed it
    bool unreadable = false;                     // `bytes` are not a state
  };
  using users = std::map<std::string_view, user_entry>;
  struct user_counter {
    std::string_view user, popup, variant;
    counter_kind kind;
    friend bool operator<(const user_counter& a, const user_counter& b) {
      return std::tie(a.user, a.popup, a.variant, a.kind) < std::tie(b.user, b.popup, b.variant, b.kind);
    }
  };
  using request = std::pair<std::string_view, std::string_view>; // user, request id

  /// Events of the jobs, each id once, in order, and whether they are new to the store.
  struct arrival {
    const event_row* event;
    bool fresh;
  };

  void clear();
  void find_popups(const write_job* first, const write_job* last);
  void collect(const write_job* first, const write_job* last);
  bool may_move(const event_row& e) const;
  void lock_users();
  void insert_events();
  void insert_unknown(const row_batch::part& part);
  write_outcome apply(const claim_write& job);
  write_outcome apply(const event_batch_write& job);
  write_outcome apply(const profile_write& job);
  static decision::user_state* decoded(user_entry& entry);
  void count(std::string_view user, std::string_view popup, std::string_view variant, counter_kind kind);

  void store_states();
  void store_answers();
  void store_profiles();
  void store_counts();
  void add_new_users(const row_batch::part& part);

  connection& db_;
  counter_sheet& counters_;

  std::map<std::string_view, bool> popups_; // of events that may change states; whether it exists or existed
  users users_;
  std::vector<arrival> arrivals_;
  std::map<std::string_view, size_t> arrival_of_; // event id -> index in arrivals_
  std::map<request, const stored_answer*> answers_;
  std::map<std::string_view, const profile_write*> profiles_;
  std::map<user_counter, int64_t> user_counts_;

  key_batch find_popups_;
  key_batch lock_states_;
  row_batch insert_states_;
  row_batch update_states_;
  row_batch insert_events_;
  key_batch find_events_;
  row_batch insert_answers_;
  row_batch put_answers_;
  row_batch put_profiles_;
  row_batch add_user_counts_;
  key_batch find_new_users_;
};

} // namespace beckon::storage::mysql
