#pragma once

#include "net/message.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace beckon::net {

/// The query parameters that a route takes. As it comes: none.
struct query_names {
  std::vector<std::string_view> once{};  // at most one of each
  std::vector<std::string_view> lists{}; // may stand several times
  bool any = false;                      // whatever stands there is let pass: probes, scrapers
};

/// Refuses (422, naming each) a parameter that the route does not take, and a second one of a name that may
/// stand once: what is not looked at must not look as if it worked. `query` is raw, as behind the "?". Values
/// are the route's own matter.
std::optional<response> refuse_query(const query_names& known, std::string_view query);

} // namespace beckon::net
