#include "net/router.hpp"

#include "net/char_class.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

namespace beckon::net {

namespace {

constexpr size_t segments_max = 32;

/// The segments of a path after its first slash, without allocation.
struct split_path {
  std::array<std::string_view, segments_max> at;
  size_t count = 0;
};

/// Empty if the path does not begin with a slash or has too many segments for any route.
std::optional<split_path> split(std::string_view path) {
  if (path.empty() || path.front() != '/')
    return std::nullopt;
  split_path result;
  if (path.size() == 1)
    return result; // the root has no segment
  while (!path.empty()) {
    path.remove_prefix(1);
    if (result.count == segments_max)
      return std::nullopt;
    const auto slash = std::min(path.find('/'), path.size());
    result.at[result.count++] = path.substr(0, slash);
    path.remove_prefix(slash);
  }
  return result;
}

/// Whether `pattern` (an empty segment is a parameter) matches the path.
bool matches(const std::vector<std::string>& pattern, const split_path& path) {
  if (pattern.size() != path.count)
    return false;
  // Compare from the end: routes differ there rather than in the version prefix.
  for (size_t i = path.count; i-- > 0;)
    if (pattern[i].empty() ? path.at[i].empty() : pattern[i] != path.at[i])
      return false;
  return true;
}

/// Whether `a` is more specific than `b`, if both match the same path: it has a literal at the first
/// difference.
bool more_specific(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i].empty() != b[i].empty())
      return b[i].empty();
  return false;
}

constexpr uint32_t bit(http_method m) {
  return 1U << static_cast<uint32_t>(m);
}

std::string allow_text(uint32_t methods) {
  methods |= bit(http_method::options);
  if ((methods & bit(http_method::get)) != 0)
    methods |= bit(http_method::head);
  std::string result;
  for (auto m = static_cast<uint8_t>(http_method::get); m < static_cast<uint8_t>(http_method::unknown); ++m) {
    if ((methods & bit(static_cast<http_method>(m))) == 0)
      continue;
    if (!result.empty())
      result += ", ";
    result += to_string(static_cast<http_method>(m));
  }
  return result;
}

[[noreturn]] void refuse_pattern(const route_key& key, const char* why) {
  throw std::invalid_argument("route " + std::string{to_string(key.method)} + " " + key.pattern + ": " + why);
}

} // namespace

size_t router::add(route_key key) {
  const auto segments = split(key.pattern);
  if (!segments)
    refuse_pattern(key, "a pattern begins with a slash and has at most 32 segments");
  if (key.method == http_method::unknown || key.method == http_method::trace
      || key.method == http_method::connect)
    refuse_pattern(key, "this method cannot be routed");
  compiled c;
  for (size_t i = 0; i < segments->count; ++i) {
    const auto text = segments->at[i];
    const bool braces = text.find_first_of("{}") != std::string_view::npos;
    if (text.empty())
      refuse_pattern(key, "a segment is empty");
    if (!braces) {
      c.segments.emplace_back(text);
      continue;
    }
    const auto name = text.size() > 2 ? text.substr(1, text.size() - 2) : std::string_view{};
    if (text.front() != '{' || text.back() != '}' || !all_of_class(name, class_token)
        || name.find_first_of("{}") != std::string_view::npos)
      refuse_pattern(key, "a parameter is a whole segment, {name}");
    if (std::find(c.names.begin(), c.names.end(), name) != c.names.end())
      refuse_pattern(key, "two parameters have the same name");
    c.segments.emplace_back();
    c.names.emplace_back(name);
  }
  for (size_t i = 0; i < size(); ++i)
    if (routes_[i].method == key.method && compiled_[i].segments == c.segments)
      refuse_pattern(key, "the same method and path are routed already");
  compiled_.push_back(std::move(c));
  routes_.push_back(std::move(key));
  return routes_.size() - 1;
}

route_match router::match(http_method method, std::string_view path,
                          std::vector<std::pair<std::string_view, std::string>>& params) const {
  using kind = route_match::kind;
  params.clear();
  if (method == http_method::unknown)
    return {kind::not_implemented, 0, {}};
  // "*" and the authority of a CONNECT refer to the whole server.
  const bool whole_server = path == "*" || path.empty();
  const auto segments = split(path);
  std::optional<size_t> best;
  bool best_is_own = false; // routed for this method itself, not HEAD through GET
  uint32_t methods = 0;
  for (size_t i = 0; i < size(); ++i) {
    if (!whole_server && (!segments || !matches(compiled_[i].segments, *segments)))
      continue;
    methods |= bit(routes_[i].method);
    const bool own = routes_[i].method == method;
    if (whole_server || (!own && (method != http_method::head || routes_[i].method != http_method::get)))
      continue;
    if (!best || more_specific(compiled_[i].segments, compiled_[*best].segments)
        || (own && !best_is_own && !more_specific(compiled_[*best].segments, compiled_[i].segments))) {
      best = i;
      best_is_own = own;
    }
  }
  if (best) {
    const auto& found = compiled_[*best];
    for (size_t i = 0, name = 0; i < found.segments.size(); ++i)
      if (found.segments[i].empty() && name < found.names.size())
        params.emplace_back(found.names[name++], segments->at[i]);
    return {kind::found, *best, {}};
  }
  if (methods == 0 && !whole_server)
    return {kind::not_found, 0, {}};
  return {method == http_method::options ? kind::options : kind::method_not_allowed, 0, allow_text(methods)};
}

} // namespace beckon::net
