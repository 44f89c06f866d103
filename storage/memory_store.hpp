#pragma once

#include "storage/store.hpp"

namespace beckon::storage {

/// Keeps everything in the process, passes the same contract suite; for tests.
store_ptr make_memory_store();

} // namespace beckon::storage
