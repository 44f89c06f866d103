#include "bench/load/request_text.hpp"

#include "json/time_text.hpp"
#include "json/writer.hpp"

#include <charconv>

namespace beckon::load {

namespace {

void append_number(std::string& out, uint64_t value) {
  char text[20];
  out.append(text, std::to_chars(text, text + sizeof(text), value).ptr);
}

/// Everything of an event from its id to its time; the object stays open.
void begin_event(json::writer& out, std::string_view id, std::string_view type, std::string_view user,
                 std::string_view popup, std::string_view at) {
  out.begin_object().member("id", id).member("type", type);
  if (type == "custom")
    out.member("name", "load");
  out.member("user", user).member("popup", popup).member("at", at);
}

} // namespace

void append_event_id(std::string& out, std::string_view ledger_name, uint64_t number) {
  out += ledger_name;
  out += '-';
  append_number(out, number);
}

std::string decide_body(std::string_view user, const std::vector<std::string>& placements,
                        std::string_view request_id) {
  std::string out;
  json::writer w{out};
  w.begin_object().member("user", user).key("placements").begin_array();
  for (const auto& placement : placements)
    w.string(placement);
  w.end_array();
  if (!request_id.empty())
    w.member("request_id", request_id);
  w.end_object();
  return out;
}

std::string events_body(const mix& m, std::string_view ledger_name, uint64_t first, uint64_t count,
                        int64_t at_ms, random_source& from, const weighted& types) {
  auto at = json::format_rfc3339(at_ms);
  std::string out;
  json::writer w{out};
  w.begin_object().key("events").begin_array();
  std::string id;
  std::string user;
  for (uint64_t i = 0; i < count; ++i) {
    user = m.user_prefix;
    append_number(user, from.below(m.users));
    id.clear();
    append_event_id(id, ledger_name, first + i);
    const auto& type = m.event_types[types.pick(from)];
    begin_event(w, id, type, user, m.event_popups[from.below(m.event_popups.size())], at);
    w.end_object();
  }
  w.end_array().end_object();
  return out;
}

std::string claim_event_body(std::string_view type, std::string_view ledger_name, uint64_t number,
                             std::string_view user, std::string_view decision, const shown_popup& shown,
                             int64_t at_ms) {
  std::string id;
  append_event_id(id, ledger_name, number);
  std::string out;
  json::writer w{out};
  w.begin_object().key("events").begin_array();
  begin_event(w, id, type, user, shown.popup, json::format_rfc3339(at_ms));
  if (!shown.variant.empty())
    w.member("variant", shown.variant);
  w.member("decision_id", decision).end_object().end_array().end_object();
  return out;
}

void append_post(std::string& out, std::string_view path, std::string_view host, bool keep_alive,
                 std::string_view body) {
  out += "POST ";
  out += path;
  out += " HTTP/1.1\r\nHost: ";
  out += host;
  if (!keep_alive)
    out += "\r\nConnection: close";
  out += "\r\nContent-Type: application/json\r\nContent-Length: ";
  append_number(out, body.size());
  out += "\r\n\r\n";
  out += body;
}

} // namespace beckon::load
