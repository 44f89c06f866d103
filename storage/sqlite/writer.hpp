#pragma once

#include "storage/counters.hpp"
#include "storage/rows.hpp"
#include "storage/sqlite/catalog_writer.hpp"
#include "storage/sqlite/connection.hpp"
#include "storage/sqlite/erasure_writer.hpp"

#include <map>
#include <string>
#include <vector>

namespace beckon::storage::sqlite {

/// Executes write jobs on the writing connection, inside a transaction that the caller opens and ends. Keeps
/// the prepared statements. Used by one thread at a time.
class job_writer {
 public:
  explicit job_writer(connection& db);

  /// Runs the jobs of one group. Throws failure; the caller then rolls back, and no job has happened.
  std::vector<write_outcome> run(const std::vector<write_job>& jobs);

  /// Writes a row that nobody reads, to show that the store accepts writes.
  void touch() { touch_.run(); }

 private:
  write_outcome apply(const claim_write& job);
  write_outcome apply(const event_batch_write& job);
  write_outcome apply(const profile_write& job);
  write_outcome apply(const user_erase& job);
  write_outcome apply(const erase_piece& job) { return erasures_.apply(job); }
  write_outcome apply(const popup_write& job) { return catalog_.apply(job); }
  write_outcome apply(const popup_erase& job) { return catalog_.apply(job); }
  write_outcome apply(const settings_write& job) { return catalog_.apply(job); }
  write_outcome apply(const answers_prune& job);
  write_outcome apply(const popup_mark& job) { return catalog_.apply(job); }

  struct moved_user;
  using moved_users = std::map<std::string_view, moved_user>;
  struct batch_moves;

  bool insert_event(const event_row& e);
  bool popup_known(const event_row& e, batch_moves& moves);
  void move_state(const event_row& e, batch_moves& moves);
  moved_user load_moved(const std::string& user);
  void store_moved(std::string_view user, moved_user& m, write_outcome& out);
  void count(const std::string& user, const std::string& popup, const std::string& variant,
             counter_kind kind);
  bool uncount_user(const std::string& user);
  void flush_counters();

  catalog_writer catalog_;
  erasure_writer erasures_;
  /// The number of the last event, or of one before which a mark has put everything. Given out here and not
  /// by SQLite, which gives the numbers of deleted rows again: an event that comes after an erasure must have
  /// a larger one than all that came before.
  int64_t last_seq_;
  /// What this group adds to the counters: each counter is written once per transaction.
  std::map<counter_key, counter_change> counters_;

  statement insert_state_;
  statement update_state_;
  statement move_state_;
  statement load_state_;
  statement find_popup_;
  statement put_answer_;
  statement insert_event_;
  statement insert_stat_user_;
  statement grow_stat_user_;
  statement add_stat_;
  statement put_profile_;
  statement list_stat_user_;
  statement erase_stat_user_;
  statement erase_state_;
  statement erase_profile_;
  statement erase_answers_;
  statement prune_answers_;
  statement touch_;
};

} // namespace beckon::storage::sqlite
