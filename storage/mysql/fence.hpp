#pragma once

#include "storage/mysql/statement.hpp"
#include "storage/rows.hpp"

#include <vector>

namespace beckon::storage::mysql {

/// Finds out which jobs of a transaction name a shard that is not theirs, and keeps the owners of all shards
/// that they name as they are until the transaction ends: it holds these rows' shared locks, taken in
/// ascending order, and whoever gives a shard to another owner needs the exclusive one. Throws failure. Used
/// by one thread at a time.
class fence_reader {
 public:
  explicit fence_reader(connection& db);

  /// For each job whether it may do nothing; empty when all may go on. To be called first in the transaction.
  /// Without a job that names an owner no statement runs.
  std::vector<bool> fenced(const std::vector<write_job>& jobs);

 private:
  key_batch owners_;
};

} // namespace beckon::storage::mysql
