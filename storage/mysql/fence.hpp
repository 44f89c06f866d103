#pragma once

#include "storage/mysql/statement.hpp"
#include "storage/rows.hpp"

#include <vector>

namespace beckon::storage::mysql {

/// Finds the jobs of a transaction whose shard has another owner or epoch, and keeps the owners of all their
/// shards unchanged until the transaction ends: it holds shared locks of these rows, taken in ascending
/// order, and a change of owner needs the exclusive one. Throws failure. Used by one thread at a time.
class fence_reader {
 public:
  explicit fence_reader(connection& db);

  /// For each job whether it must do nothing; empty if all may proceed. Call it first in the transaction.
  /// Runs no statement if no job names an owner.
  std::vector<bool> fenced(const std::vector<write_job>& jobs);

 private:
  key_batch share_owners_;
  key_batch take_owners_;
};

} // namespace beckon::storage::mysql
