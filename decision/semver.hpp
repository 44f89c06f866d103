#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace beckon::decision {

/// A semantic version (semver.org 2.0.0). Build metadata is checked and dropped, because it does not affect
/// the order. Minor and patch may be missing ("3.2", "3") and count as zero, as many apps name their
/// versions.
struct semver {
  std::array<std::string, 3> numbers{"0", "0", "0"}; // digits without leading zeros, of any length
  std::string prerelease;                            // without the hyphen; empty for a release
};

/// Empty when the text is no version. A leading "v" is allowed, as tags have it.
std::optional<semver> parse_semver(std::string_view text);

/// Negative, zero, positive: `a` is earlier than, the same as, later than `b`.
int compare(const semver& a, const semver& b);

} // namespace beckon::decision
