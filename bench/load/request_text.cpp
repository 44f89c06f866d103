#include "bench/load/request_text.hpp"

#include "json/json.hpp"
#include "json/time_text.hpp"

#include <charconv>

namespace beckon::load {

namespace {

void append_number(std::string& out, uint64_t value) {
  char text[20];
  out.append(text, std::to_chars(text, text + sizeof(text), value).ptr);
}

/// Everything of an event from its id to its user; the object stays open.
void append_event(std::string& out, std::string_view ledger_name, uint64_t number, std::string_view type,
                  std::string_view user) {
  out += R"({"id":")";
  append_event_id(out, ledger_name, number);
  out += R"(","type":")";
  out += type;
  out += '"';
  if (type == "custom")
    out += R"(,"name":"load")";
  out += R"(,"user":)";
  json::append_quoted(out, user);
}

void append_popup_and_time(std::string& out, std::string_view popup, std::string_view at) {
  out += R"(,"popup":)";
  json::append_quoted(out, popup);
  out += R"(,"at":")";
  out += at;
  out += '"';
}

} // namespace

void append_event_id(std::string& out, std::string_view ledger_name, uint64_t number) {
  out += ledger_name;
  out += '-';
  append_number(out, number);
}

std::string decide_body(std::string_view user, const std::vector<std::string>& placements,
                        std::string_view request_id) {
  std::string out = R"({"user":)";
  json::append_quoted(out, user);
  out += R"(,"placements":)";
  for (size_t i = 0; i < placements.size(); ++i) {
    out += i == 0 ? '[' : ',';
    json::append_quoted(out, placements[i]);
  }
  out += ']';
  if (!request_id.empty()) {
    out += R"(,"request_id":)";
    json::append_quoted(out, request_id);
  }
  out += '}';
  return out;
}

std::string events_body(const mix& m, std::string_view ledger_name, uint64_t first, uint64_t count,
                        int64_t at_ms, random_source& from, const weighted& types) {
  auto at = json::format_rfc3339(at_ms);
  std::string out = R"({"events":[)";
  std::string user;
  for (uint64_t i = 0; i < count; ++i) {
    if (i > 0)
      out += ',';
    user = m.user_prefix;
    append_number(user, from.below(m.users));
    append_event(out, ledger_name, first + i, m.event_types[types.pick(from)], user);
    append_popup_and_time(out, m.event_popups[from.below(m.event_popups.size())], at);
    out += '}';
  }
  out += "]}";
  return out;
}

std::string claim_event_body(std::string_view type, std::string_view ledger_name, uint64_t number,
                             std::string_view user, std::string_view decision, const shown_popup& shown,
                             int64_t at_ms) {
  std::string out = R"({"events":[)";
  append_event(out, ledger_name, number, type, user);
  append_popup_and_time(out, shown.popup, json::format_rfc3339(at_ms));
  if (!shown.variant.empty()) {
    out += R"(,"variant":)";
    json::append_quoted(out, shown.variant);
  }
  out += R"(,"decision_id":)";
  json::append_quoted(out, decision);
  out += "}]}";
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
