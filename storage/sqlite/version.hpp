#pragma once

#include <string_view>

namespace beckon::storage {

/// The version of the SQLite library in use: "3.40.1".
std::string_view sqlite_version();

} // namespace beckon::storage
