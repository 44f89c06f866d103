#pragma once

#include <cstdint>
#include <string>

namespace beckon::base {

/// A UUID version 7 (RFC 9562): 48 bits of Unix milliseconds, then random bits; sorts by time of making.
/// Threadsafe.
std::string make_uuid_v7(int64_t unix_ms);

} // namespace beckon::base
