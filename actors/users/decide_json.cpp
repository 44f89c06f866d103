#include "actors/users/decide_json.hpp"

#include "json/writer.hpp"

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

void write_popup(json::writer& out, const decision::placement_decision& p) {
  const auto* v = p.popup->variants.empty() ? nullptr : &p.popup->variants[p.variant];
  out.begin_object().member("id", p.popup->id).member("revision", p.popup->revision).key("variant");
  if (v)
    out.string(v->id);
  else
    out.null();
  out.key("content").raw(v && !v->content_json.empty() ? v->content_json : p.popup->content_json);
  out.end_object();
}

void write_candidates(json::writer& out, const decision::placement_decision& p) {
  out.key("candidates").begin_array();
  for (const auto& c : p.candidates) {
    out.begin_object().member("popup", c.popup).member("revision", c.revision).member("gate", c.gate);
    out.key("facts").raw(c.facts_json.empty() ? "{}" : c.facts_json).end_object();
  }
  out.end_array();
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
  json::writer w{out};
  w.begin_object().member("decision_id", answer.decision_id).member("user", request.user);
  w.member("catalog_version", answer.catalog_version);
  w.key("next_eligible_at");
  if (answer.what.next_eligible_ms)
    w.time(*answer.what.next_eligible_ms);
  else
    w.null();
  w.key("placements").begin_object();
  for (size_t i = 0; i < request.placements.size(); ++i) {
    const auto& p = answer.what.placements[i];
    w.key(request.placements[i]).begin_object().key("popup");
    if (p.popup)
      write_popup(w, p);
    else
      w.null();
    w.member("reason", decision::to_string(p.why));
    if (request.explain)
      write_candidates(w, p);
    w.end_object();
  }
  w.end_object().end_object();
  return out;
}

} // namespace beckon::actors
