#pragma once

#include "storage/cluster_store.hpp"
#include "storage/mysql/store.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace beckon::storage {

/// The cluster's tables for operators' commands: opening creates, changes and joins nothing. `users`: the
/// user databases in order; empty: users are in `catalog`. Refused (bad_options, schema_newer): a database
/// without this program's tables, or with tables of another version. If a user database is down, only its
/// shards are unknown. Blocks while it connects to each database; later like cluster_store, with `timeout_ms`
/// for each step.
caf::expected<std::unique_ptr<cluster_store>> open_cluster_client(const mysql_options& catalog,
                                                                  const std::vector<mysql_options>& users,
                                                                  int64_t timeout_ms);

} // namespace beckon::storage
