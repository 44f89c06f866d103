#include "actors/users/decide_json.hpp"

#include "json/time_text.hpp"

#include <algorithm>
#include <set>

namespace beckon::actors {

namespace {

using need = json::object_reader::need;

void add_placement(decide_ask& ask, std::string_view name, const json::path& where,
                   json::field_errors& errors) {
  auto& list = ask.request.placements;
  if (!json::is_identifier(name))
    json::add_error(errors, where, "a placement is 1 to 128 bytes of UTF-8 without control characters");
  else if (std::find(list.begin(), list.end(), name) != list.end())
    json::add_error(errors, where, "this placement is in the list already");
  else
    list.emplace_back(name);
}

void parse_placements(json::object_reader& in, decide_ask& ask) {
  const auto* list = in.array("placements", 1, decision::placements_max, need::required);
  if (!list)
    return;
  auto where = in.at("placements");
  for (rapidjson::SizeType i = 0; i < list->Size(); ++i) {
    json::path place{&where, {}, static_cast<int64_t>(i)};
    const auto& item = (*list)[i];
    if (item.IsString())
      add_placement(ask, json::view(item), place, in.errors());
    else
      json::add_error(in.errors(), place, "a placement is a string");
  }
}

bool flag(std::string_view value, bool& out) {
  if (value != "true" && value != "false")
    return false;
  out = value == "true";
  return true;
}

void append_popup(std::string& out, const decision::placement_decision& p) {
  out += R"({"id":)";
  json::append_quoted(out, p.popup->id);
  out += R"(,"revision":)";
  out += std::to_string(p.popup->revision);
  const auto* v = p.popup->variants.empty() ? nullptr : &p.popup->variants[p.variant];
  out += R"(,"variant":)";
  if (v)
    json::append_quoted(out, v->id);
  else
    out += "null";
  out += R"(,"content":)";
  out += v && !v->content_json.empty() ? v->content_json : p.popup->content_json;
  out += '}';
}

void append_candidates(std::string& out, const decision::placement_decision& p) {
  out += R"(,"candidates":[)";
  for (size_t i = 0; i < p.candidates.size(); ++i) {
    const auto& c = p.candidates[i];
    out += i == 0 ? R"({"popup":)" : R"(,{"popup":)";
    json::append_quoted(out, c.popup);
    out += R"(,"revision":)";
    out += std::to_string(c.revision);
    out += R"(,"gate":)";
    json::append_quoted(out, c.gate);
    out += R"(,"facts":)";
    out += c.facts_json.empty() ? "{}" : c.facts_json;
    out += '}';
  }
  out += ']';
}

} // namespace

decide_ask parse_decide(const json::value& body, json::field_errors& errors) {
  decide_ask ask;
  json::object_reader in{body, {}, errors};
  auto& r = ask.request;
  r.user = in.identifier("user", need::required).value_or("");
  parse_placements(in, ask);
  ask.request_id = in.identifier("request_id").value_or("");
  if (const auto* context = in.object("context"))
    r.context = decision::parse_attributes(*context, in.at("context"), errors);
  if (const auto* attrs = in.object("attributes"))
    r.attrs = decision::parse_attributes(*attrs, in.at("attributes"), errors);
  if (const auto* trigger = in.object("trigger")) {
    auto where = in.at("trigger");
    json::object_reader t{*trigger, where, errors};
    r.trigger_event = t.identifier("event", need::required).value_or("");
    t.finish();
  }
  r.explain = in.boolean("explain").value_or(false);
  r.dry_run = in.boolean("dry_run").value_or(false);
  in.finish();
  return ask;
}

decide_ask parse_decide_query(const net::request& request, json::field_errors& errors) {
  decide_ask ask;
  auto query = net::parse_query(request.query);
  if (!query) {
    errors.push_back({"", "the query string is malformed: check its percent escapes"});
    return ask;
  }
  const json::path root;
  std::set<std::string_view> seen;
  for (const auto& [name, value] : *query) {
    const json::path where{&root, name, -1};
    if (name != "placement" && !seen.insert(name).second)
      json::add_error(errors, where, "appears more than once");
    else if (name == "placement")
      add_placement(ask, value, where, errors);
    else if ((name == "user" || name == "request_id") && !json::is_identifier(value))
      json::add_error(errors, where, "an identifier is 1 to 128 bytes of UTF-8 without control characters");
    else if (name == "user")
      ask.request.user = value;
    else if (name == "request_id")
      ask.request_id = value;
    else if (name != "dry_run" && name != "explain")
      json::add_error(errors, where,
                      "unknown parameter; the known ones are user, placement, request_id, dry_run, explain");
    else if (!flag(value, name == "dry_run" ? ask.request.dry_run : ask.request.explain))
      json::add_error(errors, where, "must be true or false");
  }
  if (ask.request.user.empty() && errors.empty())
    errors.push_back({"/user", "is required: ?user=U&placement=P"});
  if (ask.request.placements.empty() && errors.empty())
    errors.push_back({"/placement", "is required: ?user=U&placement=P"});
  if (ask.request.placements.size() > decision::placements_max)
    errors.push_back({"/placement", "at most 20 placements are allowed"});
  return ask;
}

std::string render_decision(const decide_answer& answer) {
  const auto& request = answer.ask->request;
  std::string out;
  size_t content_bytes = 0;
  for (const auto& p : answer.what.placements)
    if (p.popup)
      content_bytes += p.popup->content_json.size() + 512;
  out.reserve(192 + request.user.size() + 96 * request.placements.size() + content_bytes);
  out += R"({"decision_id":")";
  out += answer.decision_id;
  out += R"(","user":)";
  json::append_quoted(out, request.user);
  out += R"(,"catalog_version":)";
  out += std::to_string(answer.catalog_version);
  out += R"(,"next_eligible_at":)";
  if (answer.what.next_eligible_ms) {
    out += '"';
    json::append_rfc3339(out, *answer.what.next_eligible_ms);
    out += '"';
  } else {
    out += "null";
  }
  out += R"(,"placements":{)";
  for (size_t i = 0; i < request.placements.size(); ++i) {
    const auto& p = answer.what.placements[i];
    if (i != 0)
      out += ',';
    json::append_quoted(out, request.placements[i]);
    out += R"(:{"popup":)";
    if (p.popup)
      append_popup(out, p);
    else
      out += "null";
    out += R"(,"reason":")";
    out += decision::to_string(p.why);
    out += '"';
    if (request.explain)
      append_candidates(out, p);
    out += '}';
  }
  out += "}}";
  return out;
}

} // namespace beckon::actors
