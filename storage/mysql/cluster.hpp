#pragma once

#include "storage/cluster_store.hpp"
#include "storage/mysql/store.hpp"
#include "storage/shard_table.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <memory>

/// The cluster's tables on a connection of its own, which is made by the first call, and anew by the next one
/// after it was lost. A call ends within three times `timeout_ms`, rounded up to whole seconds: once to
/// connect, once for its statements and the locks they wait for, and once for the last reply. Transactions
/// that a deadlock or a lock wait ended are run again within that time. Changes of members and owners take
/// turns; a heartbeat waits for none of them but one that changes its own node. errc::bad_options for a
/// time-out beyond 1 to 600000 ms.
namespace beckon::storage::mysql {

caf::expected<std::unique_ptr<cluster_store>> open_cluster(const mysql_options& options, int64_t timeout_ms);
caf::expected<std::unique_ptr<shard_table>> open_shards(const mysql_options& options, int64_t timeout_ms);

} // namespace beckon::storage::mysql
