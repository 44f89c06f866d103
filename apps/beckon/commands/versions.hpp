#pragma once

#include <string>
#include <string_view>

namespace beckon::apps {

/// "0.1.0".
std::string_view program_version();

/// The program and the libraries it runs with, one per line.
std::string versions();

} // namespace beckon::apps
