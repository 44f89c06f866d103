#pragma once

#include "config/configuration.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace beckon::config {

/// One value in its key's type, or what is wrong with it.
struct checked_value {
  std::string text;
  int64_t number = 0;  // integers, and booleans as 0 or 1
  std::string problem; // empty: the value is valid
};

/// Checks type, bounds and choices. `written` is the value without quotes.
checked_value check_value(const key& k, std::string_view written);

/// What a key accepts, for error texts and references: "a whole number from 0 to 65535".
std::string describe_range(const key& k);

} // namespace beckon::config
