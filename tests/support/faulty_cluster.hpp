#pragma once

#include "storage/cluster_store.hpp"
#include "storage/shard_table.hpp"
#include "tests/support/faulty_store.hpp"

#include <memory>

namespace beckon::storage {

/// The cluster's tables of a faulty store. Private to faulty_*.
std::unique_ptr<cluster_store> make_faulty_cluster(std::unique_ptr<cluster_store> inner, fault_plan plan);
std::unique_ptr<shard_table> make_faulty_shards(std::unique_ptr<shard_table> inner, fault_plan plan);

} // namespace beckon::storage
