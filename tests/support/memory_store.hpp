#pragma once

#include "storage/store.hpp"

#include <cstdint>
#include <functional>

namespace beckon::storage {

/// An in-memory store for tests that passes the same contract suite. `clock_ms` is the clock for leases
/// (empty: the system's); it is called with the store's lock held, by any thread that uses a session.
store_ptr make_memory_store(std::function<int64_t()> clock_ms = {});

} // namespace beckon::storage
