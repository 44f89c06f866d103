#pragma once

#include "storage/store.hpp"

#include <chrono>

/// Stores that break the product's promises, so that the fault tests can show that they would notice.
namespace beckon::unsafe {

/// Says of claims and events that they are stored, and stores them `delay` later: what was said in that time
/// is lost with the process. Whatever would show it waits until that is done, and so does the destructor:
/// only a crash makes it a liar. When a late write fails, the process ends.
storage::store_ptr acknowledge_first(storage::store_ptr inner, std::chrono::milliseconds delay);

/// Keeps its promises, but each write takes `delay` longer.
storage::store_ptr slow_commit(storage::store_ptr inner, std::chrono::milliseconds delay);

/// Does not look whether a shard still has the owner who writes; each write takes `delay` longer.
storage::store_ptr no_fence(storage::store_ptr inner, std::chrono::milliseconds delay);

} // namespace beckon::unsafe
