#pragma once

#include "storage/store.hpp"

#include <prometheus/metric_family.h>

#include <vector>

namespace beckon::actors {

/// A store's connections as metrics: one time series for each database or replica.
std::vector<prometheus::MetricFamily> families_of(const storage::store_stats& stats);

} // namespace beckon::actors
