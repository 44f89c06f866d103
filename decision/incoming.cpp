#include "decision/incoming.hpp"

#include "json/raw_text.hpp"
#include "json/time_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace beckon::decision {

namespace {

/// Users are spread over 10,000 buckets, so a finer share would be rounded in silence.
void check_percent(const json::value& object, const char* name, const json::path& where,
                   json::field_errors& errors) {
  if (!object.IsObject() || !object.HasMember(name) || !object[name].IsNumber())
    return;
  const auto hundredths = object[name].GetDouble() * 100.0;
  if (std::abs(hundredths - std::round(hundredths)) > 1e-7)
    json::add_error(
        errors, {&where, name, -1},
        "must have at most two decimals: a share of users is a whole number of hundredths of a per cent");
}

/// A time whose second is 60 where no leap second can be: taken once, and so read still.
void check_time(const json::value& object, const char* name, const json::path& where,
                json::field_errors& errors) {
  if (!object.IsObject() || !object.HasMember(name) || !object[name].IsString())
    return;
  const auto text = json::view(object[name]);
  if (json::parse_stored_rfc3339_ms(text) && !json::parse_rfc3339_ms(text))
    json::add_error(errors, {&where, name, -1},
                    "has second 60, which only the last minute of June or December (UTC) can have");
}

// Recursion is bounded by the depth that json::parse() lets pass.
void check_rule_times(const json::value& rule, const json::path& where, json::field_errors& errors) {
  if (rule.IsArray())
    for (rapidjson::SizeType i = 0; i < rule.Size(); ++i)
      check_rule_times(rule[i], {&where, {}, i}, errors);
  if (!rule.IsObject())
    return;
  for (const char* name : {"all", "any", "not"})
    if (rule.HasMember(name))
      check_rule_times(rule[name], {&where, name, -1}, errors);
  constexpr std::array<std::string_view, 4> ordered{"lt", "le", "gt", "ge"};
  const auto op = rule.FindMember("op");
  if (op != rule.MemberEnd() && op->value.IsString()
      && std::find(ordered.begin(), ordered.end(), json::view(op->value)) != ordered.end())
    check_time(rule, "value", where, errors);
}

} // namespace

void check_incoming_popup(const json::value& document, std::string_view text, json::field_errors& errors) {
  if (!document.IsObject())
    return;
  const json::path root;
  if (document.HasMember("rollout"))
    check_percent(document["rollout"], "percent", {&root, "rollout", -1}, errors);
  if (document.HasMember("window"))
    for (const char* name : {"from", "until"})
      check_time(document["window"], name, {&root, "window", -1}, errors);
  if (document.HasMember("audience")) {
    check_rule_times(document["audience"], {&root, "audience", -1}, errors);
    json::refuse_large_integers(text, "audience", errors);
  }
}

void check_incoming_settings(const json::value& document, json::field_errors& errors) {
  check_percent(document, "holdout_percent", {}, errors);
}

} // namespace beckon::decision
