#include "actors/api/event_json.hpp"

#include "json/raw_text.hpp"
#include "json/time_text.hpp"
#include "json/writer.hpp"

namespace beckon::actors {

namespace {

using need = json::object_reader::need;

std::string code_for(json::fault kind) {
  switch (kind) {
  case json::fault::unknown:
    return "unknown_field";
  case json::fault::missing:
    return "missing_field";
  case json::fault::bad_value:
    break;
  }
  return "bad_value";
}

/// Reads one event; false if it is rejected.
class event_reader {
 public:
  /// `text` is what `v` was parsed from.
  event_reader(const json::value& v, std::string_view text, const json::path& where, int64_t now_ms)
      : in_(v, where, errors_), text_(text), now_ms_(now_ms) {}

  bool read(storage::event_row& out, rejected_event& why) {
    out.id = in_.identifier("id", need::required).value_or("");
    read_type(out, why);
    out.user = in_.identifier("user", need::required).value_or("");
    read_subject(out);
    out.variant = in_.identifier("variant").value_or("");
    out.decision_id = in_.identifier("decision_id").value_or("");
    read_time(out, why);
    read_properties(out, why);
    in_.finish();
    if (why.code.empty() && !errors_.empty())
      note(why, code_for(errors_.front().kind), errors_.front());
    return why.code.empty();
  }

 private:
  static void note(rejected_event& why, std::string code, const json::field_error& e) {
    why.code = std::move(code);
    why.pointer = e.pointer;
    why.detail = e.detail;
  }

  void reject(rejected_event& why, const char* code, std::string_view member, std::string detail) {
    if (why.code.empty())
      note(why, code, {in_.at(member).text(), std::move(detail)});
  }

  void read_type(storage::event_row& out, rejected_event& why) {
    auto text = in_.string("type", need::required);
    if (!text)
      return;
    if (auto type = decision::event_type_from(*text))
      out.type = *type;
    else
      reject(why, "bad_type", "type", "must be one of impression, click, dismiss, convert, custom");
  }

  void read_subject(storage::event_row& out) {
    auto custom = out.type == decision::event_type::custom;
    out.popup = in_.identifier("popup", custom ? need::optional : need::required).value_or("");
    out.name = in_.identifier("name", custom ? need::required : need::optional).value_or("");
    if (!custom && !out.name.empty())
      in_.error("name", "only events of type custom have a name: leave it out");
  }

  void read_time(storage::event_row& out, rejected_event& why) {
    out.received_ms = now_ms_;
    out.at_ms = now_ms_;
    const auto* v = in_.member("at");
    if (!v)
      return;
    auto at = v->IsString() ? json::parse_rfc3339_ms(json::view(*v)) : std::nullopt;
    if (!at)
      reject(why, "bad_timestamp", "at", "must be an RFC 3339 time like 2026-11-20T10:00:01.000Z");
    else if (*at > now_ms_ + event_ahead_max_ms)
      reject(why, "bad_timestamp", "at", "is more than 5 minutes ahead of this node's clock");
    else if (*at < now_ms_ - event_behind_max_ms)
      reject(why, "bad_timestamp", "at", "is more than 30 days in the past");
    else
      out.at_ms = *at;
  }

  void read_properties(storage::event_row& out, rejected_event& why) {
    if (!in_.object("properties"))
      return;
    out.properties = json::compacted(json::raw_value(text_, "properties"));
    if (out.properties.size() > event_properties_bytes_max)
      reject(why, "too_large", "properties", "take at most 16 KiB as JSON");
  }

  json::field_errors errors_;
  json::object_reader in_;
  std::string_view text_;
  int64_t now_ms_;
};

void write_text(json::writer& out, std::string_view name, std::string_view value) {
  if (!value.empty())
    out.member(name, value);
}

/// Reads one query parameter into the filter; returns an error text if it is invalid.
std::string read_parameter(const std::string& name, const std::string& value, storage::event_filter& f) {
  if (name == "since" || name == "until") {
    auto at = json::parse_rfc3339_ms(value);
    (name == "since" ? f.since_ms : f.until_ms) = at;
    return at ? "" : "must be an RFC 3339 time like 2026-11-20T10:00:00Z (a + in the offset is written %2B)";
  }
  if (name == "user" || name == "popup") {
    (name == "user" ? f.user : f.popup) = value;
    return json::is_identifier(value) ? "" : "must be 1 to 128 bytes of UTF-8 without control characters";
  }
  if (name == "type") {
    f.type = decision::event_type_from(value);
    return f.type ? "" : "must be one of impression, click, dismiss, convert, custom";
  }
  return value == "ndjson" ? "" : "this version writes ndjson only"; // format
}

} // namespace

parsed_events parse_events(const json::value& body, std::string_view text, int64_t now_ms,
                           json::field_errors& errors) {
  parsed_events out;
  json::object_reader in{body, {}, errors};
  const auto* list = in.array("events", 1, events_per_batch_max, need::required);
  in.finish();
  if (!list || !errors.empty())
    return out;
  auto events = in.at("events");
  out.rows.reserve(list->Size());
  const auto texts = json::raw_elements(json::raw_value(text, "events"));
  for (rapidjson::SizeType i = 0; i < list->Size(); ++i) {
    json::path where{&events, {}, static_cast<int64_t>(i)};
    storage::event_row row;
    rejected_event why;
    why.index = i;
    if (event_reader{(*list)[i], texts[i], where, now_ms}.read(row, why))
      out.rows.push_back(std::move(row));
    else
      out.rejected.push_back(std::move(why));
  }
  return out;
}

void append_event(std::string& out, const storage::event_row& e) {
  json::writer w{out};
  w.begin_object().member("id", e.id);
  write_text(w, "type", decision::to_string(e.type));
  write_text(w, "name", e.name);
  write_text(w, "user", e.user);
  write_text(w, "popup", e.popup);
  write_text(w, "variant", e.variant);
  write_text(w, "decision_id", e.decision_id);
  w.key("at").time(e.at_ms).key("received_at").time(e.received_ms);
  if (!e.properties.empty())
    w.key("properties").raw(e.properties);
  w.end_object();
}

std::optional<storage::event_filter> parse_event_filter(const net::request& request,
                                                        json::field_errors& errors) {
  storage::event_filter f;
  auto query = net::parse_query(request.query);
  if (!query) {
    errors.push_back({"", "the query string is malformed: check its percent escapes"});
    return std::nullopt;
  }
  const json::path root;
  for (const auto& [name, value] : *query)
    if (auto fault = read_parameter(name, value, f); !fault.empty())
      json::add_error(errors, json::path{&root, name, -1}, fault);
  if (!errors.empty())
    return std::nullopt;
  return f;
}

} // namespace beckon::actors
