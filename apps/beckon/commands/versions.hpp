#pragma once

#include <string>
#include <string_view>

namespace beckon::apps {

/// "0.1.0".
std::string_view program_version();

/// The program and the libraries that it runs with, one a line.
std::string versions();

} // namespace beckon::apps
