#pragma once

#include "storage/store.hpp"

#include <cstdint>
#include <functional>

namespace beckon::storage {

/// Keeps everything in the process, passes the same contract suite; for tests. `clock_ms` is the clock by
/// which leases run out (empty: the system's); it is asked with the store's lock held, by whatever thread
/// uses a session.
store_ptr make_memory_store(std::function<int64_t()> clock_ms = {});

} // namespace beckon::storage
