#pragma once

#include "storage/mysql/statement.hpp"
#include "storage/rows.hpp"

#include <vector>

namespace beckon::storage::mysql {

/// Finds out which jobs of a transaction name a shard that is not theirs, and keeps the owners of all shards
/// that they name as they are until the transaction ends: it holds these rows' shared locks, taken in
/// ascending order, and whoever gives a shard to another owner needs the exclusive one.
///
/// The same rows order erasures and events, whether or not there is a cluster: a group with events holds the
/// shards of their users, and one that erases a user holds its shards for itself. So when an erasure looks
/// which events are stored, no other transaction has one of that user that it cannot see.
///
/// Throws failure. Used by one thread at a time.
class fence_reader {
 public:
  explicit fence_reader(connection& db);

  /// For each job whether it may do nothing; empty when all may go on. To be called first in the transaction.
  /// Without a job that names an owner, stores events or erases a user no statement runs.
  std::vector<bool> fenced(const std::vector<write_job>& jobs);

 private:
  key_batch share_owners_;
  key_batch take_owners_;
};

} // namespace beckon::storage::mysql
