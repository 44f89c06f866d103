#pragma once

#include "config/configuration.hpp"
#include "storage/cluster_store.hpp"
#include "storage/mysql/store.hpp"
#include "storage/store.hpp"

#include <caf/expected.hpp>

#include <cstddef>
#include <memory>
#include <vector>

namespace beckon::actors {

/// Opens the configured store, for the node and for operator commands. The error's text is for people and
/// names the key.
caf::expected<storage::store_ptr> open_store(const config::configuration& cfg);

/// How to reach each MySQL database, the catalogue's first.
caf::expected<std::vector<storage::mysql_options>> mysql_databases(const config::configuration& cfg);

/// The cluster's tables in these databases, for commands: opening creates and changes nothing. Blocks while
/// it connects.
caf::expected<std::unique_ptr<storage::cluster_store>> open_cluster_tables(const config::configuration& cfg);

/// Connections kept open to each database: mysql.pool-size, or what the threads using it need.
size_t pool_size_of(const config::configuration& cfg);

} // namespace beckon::actors
