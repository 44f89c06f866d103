#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace beckon::decision {

/// What to say behind "there is no operator X": the operator that means what X means elsewhere, or the one of
/// which X is another spelling. Never one of another meaning: "gte" is near to "gt" in letters only.
std::string operator_hint(std::string_view name, const std::vector<std::string_view>& known);

} // namespace beckon::decision
