#pragma once

#include "storage/store.hpp"

#include <chrono>

/// Stores that break the product's promises, to show that the fault tests would notice.
namespace beckon::unsafe {

/// Reports claims and events as stored, and stores them `delay` later: a crash in between loses them.
/// Anything that would reveal this waits until they are stored, and so does the destructor: only a crash
/// makes it a liar. If a late write fails, the process ends.
storage::store_ptr acknowledge_first(storage::store_ptr inner, std::chrono::milliseconds delay);

/// Keeps its promises, but each write takes `delay` longer.
storage::store_ptr slow_commit(storage::store_ptr inner, std::chrono::milliseconds delay);

/// Does not check whether the writer still owns the shard; each write takes `delay` longer.
storage::store_ptr no_fence(storage::store_ptr inner, std::chrono::milliseconds delay);

} // namespace beckon::unsafe
