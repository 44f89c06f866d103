#include "bench/load/answer_check.hpp"

#include "json/json.hpp"
#include "json/time_text.hpp"

namespace beckon::load {

namespace {

const json::value* member(const json::value& object, const char* name) {
  auto found = object.FindMember(name);
  return found == object.MemberEnd() ? nullptr : &found->value;
}

std::string_view text_of(const json::value* v) {
  return v && v->IsString() ? json::view(*v) : std::string_view{};
}

bool read_object(std::string_view body, json::document& out, std::string& problem) {
  if (auto error = json::parse(body, out)) {
    problem = "the answer is no valid JSON: " + error->detail;
    return false;
  }
  if (!out.IsObject())
    problem = "the answer is no JSON object";
  return out.IsObject();
}

bool read_next(const json::value& answer, decide_answer& out) {
  const auto* next = member(answer, "next_eligible_at");
  if (next && next->IsNull())
    return true;
  out.next_ms = json::parse_rfc3339_ms(text_of(next));
  return out.next_ms.has_value();
}

bool read_popup(const json::value& popup, std::string_view placement, decide_answer& out) {
  const auto* revision = popup.IsObject() ? member(popup, "revision") : nullptr;
  if (!revision || !revision->IsUint64())
    return false;
  shown_popup shown;
  shown.placement = placement;
  shown.popup = text_of(member(popup, "id"));
  shown.revision = revision->GetUint64();
  shown.variant = text_of(member(popup, "variant"));
  out.shown.push_back(std::move(shown));
  return !out.shown.back().popup.empty();
}

bool read_placement(const json::value& all, const std::string& name, decide_answer& out) {
  const auto* placement = member(all, name.c_str());
  if (!placement || !placement->IsObject())
    return false;
  auto reason = text_of(member(*placement, "reason"));
  const auto* popup = member(*placement, "popup");
  if (reason.empty() || !popup || popup->IsNull() == (reason == "MATCH"))
    return false;
  out.unavailable = out.unavailable || reason == "UNAVAILABLE";
  out.promises = out.promises || reason == "MATCH" || reason == "COOLDOWN";
  return popup->IsNull() || read_popup(*popup, name, out);
}

bool read_count(const json::value& answer, const char* name, uint64_t& out) {
  const auto* count = member(answer, name);
  if (!count || !count->IsUint64())
    return false;
  out = count->GetUint64();
  return true;
}

} // namespace

std::optional<decide_answer> read_decide(std::string_view body, std::string_view user,
                                         const std::vector<std::string>& placements, std::string& problem) {
  json::document answer;
  if (!read_object(body, answer, problem))
    return std::nullopt;
  decide_answer result;
  result.decision = text_of(member(answer, "decision_id"));
  const auto* all = member(answer, "placements");
  if (result.decision.empty() || !read_count(answer, "catalog_version", result.catalog))
    problem = "decision_id or catalog_version is missing";
  else if (text_of(member(answer, "user")) != user)
    problem = "the answer is for another user";
  else if (!read_next(answer, result))
    problem = "next_eligible_at is neither a time nor null";
  else if (!all || !all->IsObject() || all->MemberCount() != placements.size())
    problem = "the answer has other placements than were asked for";
  if (!problem.empty())
    return std::nullopt;
  for (const auto& placement : placements) {
    if (!read_placement(*all, placement, result)) {
      problem = "placement " + json::clipped(placement)
                + " is missing, or its popup and reason do not fit together";
      return std::nullopt;
    }
  }
  result.promises = result.promises && !result.unavailable && result.next_ms;
  return result;
}

std::optional<events_answer> read_events(std::string_view body, uint64_t count, std::string& problem) {
  json::document answer;
  if (!read_object(body, answer, problem))
    return std::nullopt;
  events_answer result;
  const auto* rejected = member(answer, "rejected");
  if (!read_count(answer, "accepted", result.accepted) || !read_count(answer, "duplicates", result.duplicates)
      || !rejected || !rejected->IsArray()) {
    problem = "accepted, duplicates or rejected is missing";
    return std::nullopt;
  }
  for (const auto& one : rejected->GetArray()) {
    const auto* index = one.IsObject() ? member(one, "index") : nullptr;
    if (index && index->IsUint64() && index->GetUint64() < count)
      result.rejected.push_back(index->GetUint64());
    else
      problem = "an entry of rejected has no index within the batch";
  }
  if (problem.empty() && result.accepted + result.duplicates + result.rejected.size() != count)
    problem = "accepted, duplicates and rejected are " + std::to_string(result.accepted) + ", "
              + std::to_string(result.duplicates) + " and " + std::to_string(result.rejected.size()) + " of "
              + std::to_string(count) + " events";
  if (!problem.empty())
    return std::nullopt;
  return result;
}

uint64_t digest_of(std::string_view body) {
  uint64_t h = 14695981039346656037u;
  for (char c : body)
    h = (h ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return h;
}

} // namespace beckon::load
