#pragma once

#include <cstdint>
#include <string>

namespace beckon::base {

/// A version 7 UUID (RFC 9562): 48 bits of Unix milliseconds, then random bits. Sorts by creation time.
/// Threadsafe.
std::string make_uuid_v7(int64_t unix_ms);

} // namespace beckon::base
