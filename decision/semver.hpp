#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace beckon::decision {

/// A semantic version (semver.org 2.0.0). Build metadata is checked and dropped, because it does not affect
/// the order. Minor and patch may be missing ("3.2", "3") and count as zero, as many apps name their
/// versions.
struct semver {
  std::array<uint64_t, 3> numbers{};
  std::string prerelease; // without the hyphen; empty for a release
};

/// Empty if the text is not a version, or a number in it has more than 18 digits.
std::optional<semver> parse_semver(std::string_view text);

/// Negative, zero, positive: `a` is earlier than, the same as, later than `b`.
int compare(const semver& a, const semver& b);

} // namespace beckon::decision
