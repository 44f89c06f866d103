#pragma once

#include "net/message.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace beckon::net {

/// Which methods a path supports. Patterns consist of literal segments and {name}, which matches exactly one
/// non-empty segment: "/v1/popups/{id}/stats".
struct route_key {
  http_method method = http_method::get;
  std::string pattern;
};

struct route_match {
  enum class kind : uint8_t {
    found,
    options,            // answer 204 with `allow`
    not_found,          // 404
    method_not_allowed, // 405 with `allow` (also TRACE and CONNECT on a known path)
    not_implemented,    // 501: a method this server does not know
  } what = kind::not_found;
  size_t route = 0;  // index, when found
  std::string allow; // "GET, HEAD, OPTIONS"
};

/// Immutable after the last add(). HEAD is served by the GET route of the same path. Literal segments win
/// over parameters.
class router {
 public:
  /// Returns the route's index (0, 1, 2, … in order). A duplicate or malformed pattern throws
  /// std::invalid_argument: a programming error found at start.
  size_t add(route_key key);
  const route_key& at(size_t route) const { return routes_[route]; }
  size_t size() const { return routes_.size(); }

  /// Matches a method and a percent-DECODED path whose encoded slashes were refused; fills `params`.
  route_match match(http_method method, std::string_view path,
                    std::vector<std::pair<std::string_view, std::string>>& params) const;

 private:
  struct compiled {
    std::vector<std::string> segments; // "" for a parameter
    std::vector<std::string> names;
  };
  std::vector<route_key> routes_;
  std::vector<compiled> compiled_;
};

} // namespace beckon::net
