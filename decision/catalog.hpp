#pragma once

#include "decision/popup.hpp"
#include "json/object_reader.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace beckon::decision {

/// Settings that apply to all popups.
struct settings {
  int64_t min_gap_ms = 0;       // minimum time between any two popups for one user
  double holdout_percent = 0.0; // a stable share of users that sees no popups (salt "holdout")
};

/// Reads the settings document {"min_gap": "30m", "quiet_hours": null, "holdout_percent": 0}; errors have
/// pointers. "min_gap" accepts "0s" and null for none. Missing members keep the values of `base`.
settings parse_settings(const json::value& v, json::field_errors& errors, settings base = {});
std::string to_json(const settings& s);

using popup_ptr = std::shared_ptr<const popup>;

/// An immutable, compiled snapshot of all popups and settings, indexed by placement. Shared between threads.
class catalog {
 public:
  /// `popups` may have any status; only live ones are indexed. `version` grows with every change.
  catalog(uint64_t version, settings s, std::vector<popup_ptr> popups);

  uint64_t version() const { return version_; }
  const settings& config() const { return settings_; }

  /// Live popups of a placement, highest priority first, ties by id; empty for an unknown placement. Windows
  /// are not applied, because they depend on the time.
  const std::vector<popup_ptr>& at(std::string_view placement) const;

  /// Any popup by id, whatever its status; null if there is none.
  popup_ptr find(std::string_view id) const;
  /// All popups, sorted by id.
  const std::vector<popup_ptr>& all() const { return all_; }

 private:
  uint64_t version_;
  settings settings_;
  std::vector<popup_ptr> all_;
  std::unordered_map<std::string_view, std::vector<popup_ptr>> by_placement_; // keys point into the popups
};

using catalog_ptr = std::shared_ptr<const catalog>;

} // namespace beckon::decision
