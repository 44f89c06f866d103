#pragma once

#include "decision/decide.hpp"

#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// What the decision tests share: popups, catalogues and requests written down in one line.
namespace beckon::decision::scenario {

constexpr int64_t now_ms = 1'795'170'600'000; // 2026-11-20T10:30:00Z
constexpr int64_t second_ms = 1000;
constexpr int64_t minute_ms = 60 * second_ms;
constexpr int64_t hour_ms = 60 * minute_ms;
constexpr int64_t day_ms = 24 * hour_ms;

inline std::string text_of(const json::field_errors& errors) {
  std::string result;
  for (const auto& e : errors)
    result += e.pointer + ": " + e.detail + "\n";
  return result;
}

inline json::document document_of(std::string_view text) {
  json::document d;
  if (auto error = json::parse(text, d))
    throw std::runtime_error("not JSON: " + error->detail + " in " + std::string{text});
  return d;
}

/// A live popup at "home" with some content; `members` are added, as in R"("priority":5)".
inline popup_ptr make_popup(const std::string& id, const std::string& members = {},
                            const std::string& placements = R"(["home"])") {
  auto text = R"({"status":"live","content":{"id":")" + id + R"("},"placements":)" + placements
              + (members.empty() ? "" : "," + members) + "}";
  json::field_errors errors;
  auto p = std::make_shared<popup>(parse_popup(document_of(text), id, errors));
  if (!errors.empty())
    throw std::runtime_error(text_of(errors));
  p->revision = 1;
  return p;
}

inline catalog make_catalog(std::vector<popup_ptr> popups, settings s = {}) {
  return catalog{1, s, std::move(popups)};
}

inline attributes make_attributes(std::string_view text) {
  json::field_errors errors;
  auto result = parse_attributes(document_of(text), {}, errors);
  if (!errors.empty())
    throw std::runtime_error(text_of(errors));
  return result;
}

inline decide_request make_request(std::vector<std::string> placements = {"home"}, std::string user = "u-1") {
  decide_request r;
  r.user = std::move(user);
  r.placements = std::move(placements);
  return r;
}

/// The shown popup's id, or the reason.
inline std::string shown(const placement_decision& p) {
  return p.popup ? p.popup->id : std::string{to_string(p.why)};
}

} // namespace beckon::decision::scenario
