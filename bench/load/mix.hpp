#pragma once

#include "bench/load/choice.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::load {

/// The purpose of a request. The first four are drawn by the shares of the mix, the others follow from
/// answers.
enum class kind : uint8_t { decide, decide_id, retry, events, claim_event, resend };
constexpr size_t kind_count = 6;
constexpr size_t drawn_kinds = 4;
std::string_view to_string(kind k); // "decide", "decide+id", "retry", "events", "claim event", "resend"

enum class users_by : uint8_t { uniform, zipf, in_turn };

/// Which requests a run consists of; read from a JSON file (docs/load.md shows one).
struct mix {
  uint64_t users = 10'000; // 1 to 10^9
  users_by order = users_by::uniform;
  double exponent = 1.0; // of zipf, 0.1 to 5
  std::string user_prefix = "u-";
  std::vector<std::string> placements = {"home"};
  uint64_t placements_per_decide = 1;
  std::vector<double> shares = {1, 0, 0, 0}; // of the drawn kinds, in their order
  uint64_t batch_min = 1;
  uint64_t batch_max = 50; // at most 500
  std::vector<std::string> event_types = {"impression"};
  std::vector<double> event_weights = {1};
  std::vector<std::string> event_popups = {"p"};
  std::string claim_event; // the type of the event sent for each claim; empty: none
  bool keep_alive = true;
};

/// Reads a mix. On an error the result is empty and `problem` names every wrong place.
std::optional<mix> parse_mix(std::string_view text, std::string& problem);

} // namespace beckon::load
