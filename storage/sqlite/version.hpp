#pragma once

#include <string_view>

namespace beckon::storage {

/// The version of the SQLite library that this process runs with: "3.40.1".
std::string_view sqlite_version();

} // namespace beckon::storage
