#pragma once

#include "storage/mysql/catalog_writer.hpp"
#include "storage/mysql/erasure_writer.hpp"
#include "storage/mysql/fence.hpp"
#include "storage/mysql/group.hpp"
#include "storage/mysql/statement.hpp"
#include "storage/rows.hpp"

#include <string>
#include <vector>

namespace beckon::storage::mysql {

/// Executes write jobs on a connection, inside a transaction that the caller opens and ends. Keeps the
/// prepared statements. Used by one thread at a time.
class job_writer {
 public:
  explicit job_writer(connection& db);

  /// Runs the jobs of one group. Throws failure; the caller then rolls back, and no job has happened.
  std::vector<write_outcome> run(const std::vector<write_job>& jobs);

  /// Writes a row that nobody reads, to show that the store accepts writes.
  void touch() { touch_.run(slot_); }

 private:
  write_outcome apply_alone(const write_job& job);
  write_outcome apply(const user_erase& job);
  write_outcome apply(const answers_prune& job);
  bool uncount_user(const std::string& user);
  bool erase_pieces(statement& erase, const std::string& user);
  void flush_counters();

  const int64_t slot_;
  fence_reader fences_;
  counter_sheet counters_;
  group_writer group_;
  catalog_writer catalog_;
  erasure_writer erasures_;

  row_batch add_stats_;
  statement lock_user_;
  statement list_stat_user_;
  statement erase_stat_user_;
  statement erase_state_;
  statement erase_profile_;
  statement erase_answers_;
  statement prune_answers_;
  statement touch_;
};

} // namespace beckon::storage::mysql
