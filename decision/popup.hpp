#pragma once

#include "decision/audience.hpp"
#include "json/object_reader.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::decision {

enum class popup_status : uint8_t { draft, live, paused, archived };

/// What a user did with a popup, apart from seeing it.
enum class event_type : uint8_t { impression, click, dismiss, convert, custom };
std::string_view to_string(event_type t);
std::optional<event_type> event_type_from(std::string_view text);

/// How often one user may see one popup. Times in milliseconds.
struct frequency {
  std::optional<int64_t> every_ms;   // minimum time between two shows
  std::optional<uint32_t> max_shows; // in all
  bool stop_after_click = false;     // never again after a click, dismissal, conversion
  bool stop_after_dismiss = false;
  bool stop_after_convert = false;
  std::optional<int64_t> after_dismiss_ms; // minimum time since the last dismissal
  std::optional<int64_t> after_click_ms;   // minimum time since the last click
};

struct variant {
  std::string id;
  uint32_t weight = 1;
  std::string content_json; // compact JSON text, inserted into answers unchanged
};

/// One popup, ready for decisions: everything parsed and compiled. Immutable once in a catalogue.
struct popup {
  std::string id;
  uint64_t revision = 0;
  std::string name;
  popup_status status = popup_status::draft;
  std::vector<std::string> placements; // 1 to 20, distinct
  int32_t priority = 0;                // higher wins
  std::optional<int64_t> from_ms;      // window [from, until)
  std::optional<int64_t> until_ms;
  std::string trigger_event; // empty: no trigger needed
  audience_rule audience;    // empty: everybody
  double rollout_percent = 100.0;
  std::string rollout_salt; // the popup's id unless given
  frequency freq;
  std::string content_json;      // empty if variants carry the content
  std::vector<variant> variants; // empty: no variants
  uint64_t weight_sum = 0;
};

constexpr size_t content_bytes_max = 32768;
constexpr size_t placements_max = 20;
constexpr size_t variants_max = 20;

/// Reads and checks a popup document (see the API reference). Adds every error with its pointer; the result
/// is usable only if none was added. `revision` is not part of the document (0 in the result). `forced_id` is
/// the id from the path of a PUT: a document without an id takes it, and one with another id is an error.
popup parse_popup(const json::value& document, std::optional<std::string_view> forced_id,
                  json::field_errors& errors);

/// The variant of this user: murmur3 seed 1 over salt + ":" + user, spread over the sum of weights.
/// Requires variants. The index into `variants`.
size_t pick_variant(const popup& p, std::string_view user);

} // namespace beckon::decision
