#include "bench/load/store_view.hpp"

#include "json/json.hpp"
#include "json/time_text.hpp"

namespace beckon::load {

namespace {

/// The value at a chain of members, or null.
const json::value* member(const json::value* v, const char* name) {
  if (!v || !v->IsObject())
    return nullptr;
  auto found = v->FindMember(name);
  return found == v->MemberEnd() ? nullptr : &found->value;
}

uint64_t number(const json::value* v) {
  return v && v->IsUint64() ? v->GetUint64() : 0;
}

int64_t duration_ms(const json::value* v) {
  if (!v || !v->IsString() || json::view(*v) == "0s")
    return 0;
  return json::parse_duration_ms(json::view(*v)).value_or(0);
}

/// One GET whose answer is an object.
bool get_object(store_client& client, const std::string& target, json::document& out, int& status,
                std::string& problem) {
  auto reply = client.get(target, problem);
  if (!reply)
    return false;
  status = reply->status;
  auto error = json::parse(reply->body, out);
  if (!error && out.IsObject() && (status == 200 || status == 404))
    return true;
  problem = "GET " + target + ": status " + std::to_string(status) + ": " + json::clipped(reply->body, 200);
  return false;
}

popup_limits limits_of(const json::value& popup) {
  const auto* frequency = member(&popup, "frequency");
  return {number(member(&popup, "revision")), duration_ms(member(frequency, "every")),
          number(member(frequency, "max_shows"))};
}

} // namespace

std::optional<catalog_view> read_catalog(store_client& client, std::string& problem) {
  catalog_view result;
  json::document document;
  int status = 0;
  if (!get_object(client, "/v1/settings", document, status, problem))
    return std::nullopt;
  result.min_gap_ms = duration_ms(member(&document, "min_gap"));
  if (!get_object(client, "/v1/popups", document, status, problem))
    return std::nullopt;
  const auto* popups = member(&document, "popups");
  if (!popups || !popups->IsArray()) {
    problem = "GET /v1/popups: the answer has no popups";
    return std::nullopt;
  }
  result.version = number(member(&document, "catalog_version"));
  for (const auto& popup : popups->GetArray())
    if (const auto* id = member(&popup, "id"); id && id->IsString())
      result.popups[std::string{json::view(*id)}] = limits_of(popup);
  return result;
}

std::optional<std::map<std::string, uint64_t>> read_shows(store_client& client, const catalog_view& catalog,
                                                          std::string& problem) {
  std::map<std::string, uint64_t> result;
  for (const auto& [popup, limits] : catalog.popups) {
    json::document document;
    int status = 0;
    if (!get_object(client, "/v1/popups/" + escaped(popup) + "/stats", document, status, problem))
      return std::nullopt;
    result[popup] = number(member(member(&document, "shows"), "total"));
  }
  return result;
}

std::optional<std::map<std::string, uint64_t>> read_user_shows(store_client& client, std::string_view user,
                                                               std::string& problem) {
  std::map<std::string, uint64_t> result;
  json::document document;
  int status = 0;
  if (!get_object(client, "/v1/users/" + escaped(user), document, status, problem))
    return std::nullopt;
  const auto* popups = member(&document, "popups");
  if (status == 404 || !popups || !popups->IsObject())
    return result;
  for (const auto& popup : popups->GetObject())
    result[std::string{json::view(popup.name)}] = number(member(&popup.value, "shows"));
  return result;
}

bool read_event_ids(store_client& client, int64_t since_ms,
                    const std::function<void(std::string_view id)>& take, std::string& problem) {
  auto take_line = [&](std::string_view line) {
    json::document event;
    auto error = json::parse(line, event);
    const auto* id = error ? nullptr : member(&event, "id");
    if (!id || !id->IsString()) {
      problem = "GET /v1/events: a line is no event: " + json::clipped(line, 200);
      return false;
    }
    take(json::view(*id));
    return true;
  };
  return client.stream("/v1/events?since=" + escaped(json::format_rfc3339(since_ms)), take_line, problem);
}

} // namespace beckon::load
