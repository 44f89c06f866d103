#pragma once

#include "storage/cluster_store.hpp"
#include "storage/mysql/store.hpp"
#include "storage/shard_table.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <memory>

/// The cluster's tables on their own connection. The first call opens it; after a loss the next call opens a
/// new one. A call ends within three times `timeout_ms`, rounded up to whole seconds: for connecting, for its
/// statements and their locks, and for the last reply. Transactions ended by a deadlock or a lock wait are
/// repeated within that time. Changes of members and owners take turns; a heartbeat waits only for a change
/// of its own node. errc::bad_options for a time-out outside 1 to 600000 ms.
namespace beckon::storage::mysql {

caf::expected<std::unique_ptr<cluster_store>> open_cluster(const mysql_options& options, int64_t timeout_ms);
caf::expected<std::unique_ptr<shard_table>> open_shards(const mysql_options& options, int64_t timeout_ms);

} // namespace beckon::storage::mysql
