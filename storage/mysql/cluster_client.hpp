#pragma once

#include "storage/cluster_store.hpp"
#include "storage/mysql/store.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace beckon::storage {

/// The cluster's tables for people who look or give an order: opening makes and changes nothing, and joins
/// nothing. `users`: the databases that users are spread over, in their order; none: they are in `catalog`.
/// Refused (bad_options, schema_newer): a database without this program's tables, or with those of another
/// version. A database of users that is away only leaves its shards unknown. Blocks: to connect to each
/// database; later as cluster_store does, with `timeout_ms` for each step.
caf::expected<std::unique_ptr<cluster_store>> open_cluster_client(const mysql_options& catalog,
                                                                  const std::vector<mysql_options>& users,
                                                                  int64_t timeout_ms);

} // namespace beckon::storage
