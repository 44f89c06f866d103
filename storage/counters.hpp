#pragma once

#include "decision/popup.hpp"
#include "storage/rows.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

/// What counts as what; all back ends look it up here.
namespace beckon::storage {

/// The kinds of counters. Databases store the numbers: never change or reuse one.
enum class counter_kind : uint8_t {
  impression = 0,
  click = 1,
  dismiss = 2,
  convert = 3,
  custom = 4,
  show = 5
};
constexpr uint8_t counter_kind_max = 5;

/// The name in stat_row.
std::string_view to_string(counter_kind kind);

/// The counter of an event; also the number under which the event's type is stored.
counter_kind kind_of(decision::event_type type);

/// The reverse. Requires that `kind` is not `show`.
decision::event_type event_type_of(counter_kind kind);

/// Whether an event is counted: custom events only if they name a popup.
inline bool counts(const event_row& e) {
  return !e.popup.empty();
}

/// Whether an event of this type may change the user's state. It does so only if the store knows its popup.
bool moves_state(decision::event_type type);

struct counter_key {
  std::string popup;
  std::string variant;
  counter_kind kind = counter_kind::show;

  friend bool operator<(const counter_key& a, const counter_key& b) {
    return std::tie(a.popup, a.variant, a.kind) < std::tie(b.popup, b.variant, b.kind);
  }
};

/// What a group of jobs adds to a counter, or removes when erasing.
struct counter_change {
  int64_t total = 0;
  int64_t users = 0;
};

/// The order of session::load_stats.
inline bool listed_before(const stat_row& a, const stat_row& b) {
  return std::tie(a.variant, a.kind) < std::tie(b.variant, b.kind);
}

} // namespace beckon::storage
