#pragma once

#include "bench/load/store_client.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

/// What a node says about its store, in the form in which the rules need it.
namespace beckon::load {

struct popup_limits {
  uint64_t revision = 0;
  int64_t every_ms = 0;   // 0: none
  uint64_t max_shows = 0; // 0: none
};

struct catalog_view {
  uint64_t version = 0;
  int64_t min_gap_ms = 0; // 0: none
  std::map<std::string, popup_limits> popups;
};

/// Each reads one thing. Empty: `problem` says why.
std::optional<catalog_view> read_catalog(store_client& client, std::string& problem);
/// Showings of each popup of the catalogue, as its statistics count them.
std::optional<std::map<std::string, uint64_t>> read_shows(store_client& client, const catalog_view& catalog,
                                                          std::string& problem);
/// Showings of each popup to one user; none when nothing is known about the user.
std::optional<std::map<std::string, uint64_t>> read_user_shows(store_client& client, std::string_view user,
                                                               std::string& problem);
/// Every event received since a moment, by its id.
bool read_event_ids(store_client& client, int64_t since_ms,
                    const std::function<void(std::string_view id)>& take, std::string& problem);

} // namespace beckon::load
