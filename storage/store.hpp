#pragma once

#include "storage/cluster_store.hpp"
#include "storage/error.hpp"
#include "storage/rows.hpp"
#include "storage/shard_table.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The room of the storage contract: rows and jobs as plain values, the interfaces of a store, an outbox and
/// a cluster's tables, fences, errors, and the rules of counting. The rooms below hold the stores.
namespace beckon::storage {

/// Maximum number of rows examined for one page of events.
constexpr size_t event_rows_looked_at(uint32_t limit) {
  return size_t{limit} * 16 + 1000;
}

/// One connection for writing. Used by one thread at a time. Blocks: yes, at most for the store's time-outs.
class write_session {
 public:
  virtual ~write_session() = default;

  /// Runs all jobs in order in one durable transaction. If it returns outcomes, everything they report is on
  /// disk; on an error nothing is, except after unknown_outcome. A conflict affects only its job. Jobs see
  /// the writes of earlier jobs in the group. With several user databases there is one transaction for each,
  /// and an outcome may carry its own error.
  virtual caf::expected<std::vector<write_outcome>> write(const std::vector<write_job>& jobs) = 0;

  /// Whether the store answers; a session opened for writing also checks that it can write.
  virtual caf::error ping() = 0;
};

/// One connection to a store. After errc::unavailable or unknown_outcome the next call reconnects.
class session : public write_session {
 public:
  /// State and profile of users, in the given order; users never stored have empty fields. With several user
  /// databases a row may carry its own error.
  virtual caf::expected<std::vector<user_row>> load_users(const std::vector<std::string>& users) = 0;

  /// The answer remembered for this user and request id at or after `not_before_ms`; empty if there is none.
  virtual caf::expected<std::optional<std::string>>
  load_answer(const std::string& user, const std::string& request_id, int64_t not_before_ms) = 0;

  /// The marked users after `after`, at most `limit`, sorted by user.
  virtual caf::expected<std::vector<erasure_row>> load_erasures(const std::string& after, uint32_t limit) = 0;

  virtual caf::expected<catalog_rows> load_catalog() = 0;

  /// Only the version, cheap enough to poll.
  virtual caf::expected<uint64_t> load_catalog_version() = 0;

  virtual caf::expected<std::vector<stat_row>> load_stats(const std::string& popup) = 0;

  /// At most `limit` events after `from`, ordered by (at, arrival). A selective filter may yield a shorter or
  /// even empty page although more follow, because at most event_rows_looked_at() rows are examined per page:
  /// continue from `next` until `last`.
  virtual caf::expected<event_page> load_events(const event_filter& filter, const event_cursor& from,
                                                uint32_t limit) = 0;
};

/// The connections to one database, for metrics: current numbers, and totals since the start.
struct pool_stats {
  std::string database;      // a name for people
  uint64_t size_max = 0;     // kept open
  uint64_t overflow_max = 0; // maximum number of extra ones
  uint64_t open = 0;         // idle, in use, and connecting
  uint64_t idle = 0;
  uint64_t waiting = 0;  // callers waiting for one
  uint64_t opened = 0;   // connections made
  uint64_t failed = 0;   // attempts to connect that failed
  uint64_t recycled = 0; // replaced because of their age
  uint64_t pings = 0;    // tried before use, because of idle time or because another was found dead
  uint64_t ping_failures = 0;
  uint64_t waits = 0;    // calls that had to wait
  uint64_t timeouts = 0; // calls that timed out
};

/// A read-only copy of a database, for metrics.
struct replica_stats {
  std::string replica;
  int64_t staleness_ms = -1; // maximum age of its data; -1: never seen
  bool used = false;         // fresh enough for reads
  uint64_t reads = 0;
  uint64_t failures = 0; // failed reads that the primary served instead
};

struct store_stats {
  std::vector<pool_stats> pools;
  std::vector<replica_stats> replicas;
};

/// A store: hands out sessions. Threadsafe. Migrated and ready once constructed.
class store {
 public:
  virtual ~store() = default;
  virtual caf::expected<std::unique_ptr<session>> open_writer() = 0;
  virtual caf::expected<std::unique_ptr<session>> open_reader() = 0;
  /// The cluster's tables, on their own connection with time-outs of `timeout_ms`. errc::bad_options for a
  /// store that belongs to one node.
  virtual caf::expected<std::unique_ptr<cluster_store>> open_cluster(int64_t timeout_ms);
  /// The same for shards only, if the nodes are in another database.
  virtual caf::expected<std::unique_ptr<shard_table>> open_shards(int64_t timeout_ms);
  /// For the log and for people: "sqlite /var/lib/beckon/beckon.db".
  virtual std::string describe() const = 0;
  /// A problem that people should fix although everything still works, with the remedy; empty: none.
  virtual std::string warning() const { return {}; }
  /// Empty for a store without connections.
  virtual store_stats stats() const { return {}; }
};

using store_ptr = std::shared_ptr<store>;

} // namespace beckon::storage
