#include "decision/semver.hpp"

#include <algorithm>

namespace beckon::decision {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_numeric(std::string_view part) {
  return std::all_of(part.begin(), part.end(), is_digit);
}

/// Removes the text up to the next `stop`, and the stop itself, from the start of `rest`.
std::string_view take_part(std::string_view& rest, char stop) {
  auto at = rest.find(stop);
  auto part = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + 1);
  return part;
}

bool is_number(std::string_view part) {
  return !part.empty() && is_numeric(part) && (part.size() == 1 || part[0] != '0');
}

/// Dot-separated identifiers of letters, digits and hyphens; a numeric one in a pre-release has no leading
/// zero.
bool are_identifiers(std::string_view text, bool prerelease) {
  auto allowed = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  };
  for (size_t dots = 1 + static_cast<size_t>(std::count(text.begin(), text.end(), '.')); dots > 0; --dots) {
    auto part = take_part(text, '.');
    if (part.empty() || !std::all_of(part.begin(), part.end(), allowed))
      return false;
    if (prerelease && is_numeric(part) && !is_number(part))
      return false;
  }
  return true;
}

/// Two numbers without leading zeros: the longer is the larger.
int compare_numbers(std::string_view a, std::string_view b) {
  if (a.size() != b.size())
    return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

int compare_identifiers(std::string_view a, std::string_view b) {
  bool a_numeric = is_numeric(a);
  bool b_numeric = is_numeric(b);
  if (a_numeric != b_numeric)
    return a_numeric ? -1 : 1;
  return a_numeric ? compare_numbers(a, b) : a.compare(b);
}

int compare_prereleases(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) // a release comes after its pre-releases
    return static_cast<int>(a.empty()) - static_cast<int>(b.empty());
  while (!a.empty() && !b.empty()) {
    int c = compare_identifiers(take_part(a, '.'), take_part(b, '.'));
    if (c != 0)
      return c;
  }
  return static_cast<int>(!a.empty()) - static_cast<int>(!b.empty()); // with more identifiers comes later
}

} // namespace

std::optional<semver> parse_semver(std::string_view text) {
  semver result;
  if (!text.empty() && (text.front() == 'v' || text.front() == 'V'))
    text.remove_prefix(1);
  if (auto plus = text.find('+'); plus != std::string_view::npos) {
    if (!are_identifiers(text.substr(plus + 1), false))
      return std::nullopt;
    text = text.substr(0, plus);
  }
  if (auto hyphen = text.find('-'); hyphen != std::string_view::npos) {
    result.prerelease = text.substr(hyphen + 1);
    if (!are_identifiers(result.prerelease, true))
      return std::nullopt;
    text = text.substr(0, hyphen);
  }
  auto parts = 1 + std::count(text.begin(), text.end(), '.');
  if (parts > 3)
    return std::nullopt;
  for (size_t i = 0; i < static_cast<size_t>(parts); ++i) {
    auto number = take_part(text, '.');
    if (!is_number(number))
      return std::nullopt;
    result.numbers[i] = number;
  }
  return result;
}

int compare(const semver& a, const semver& b) {
  for (size_t i = 0; i < a.numbers.size(); ++i)
    if (int c = compare_numbers(a.numbers[i], b.numbers[i]); c != 0)
      return c;
  return compare_prereleases(a.prerelease, b.prerelease);
}

} // namespace beckon::decision
