#include "cluster/wire_codec.hpp"

#include <algorithm>

namespace beckon::cluster {

using decision::event_type;

namespace {

constexpr int64_t time_ms_max = int64_t{1} << 53; // sums with any duration cannot overflow
constexpr size_t event_bytes_min = 12; // type, two times, seven lengths, id and user of one byte each

int64_t read_time(wire_reader& in) {
  auto ms = in.signed_varint();
  if (ms < -time_ms_max || ms > time_ms_max)
    in.refuse("a time is too far");
  return ms;
}

/// Properties are stored, and later copied into one-line lists, without being parsed again.
bool is_line_of_properties(std::string_view text) {
  auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
  if (text.size() > event_properties_bytes_max || std::any_of(text.begin(), text.end(), control))
    return false;
  json::small_document doc;
  return !json::parse(text, doc.get()) && doc.get().IsObject();
}

void put(std::string& out, const storage::event_row& e) {
  base::put_varint(out, static_cast<uint64_t>(e.type));
  base::put_signed(out, e.at_ms);
  base::put_signed(out, e.received_ms);
  base::put_text(out, e.id);
  base::put_text(out, e.name);
  base::put_text(out, e.user);
  base::put_text(out, e.popup);
  base::put_text(out, e.variant);
  base::put_text(out, e.decision_id);
  base::put_text(out, e.properties);
}

void read(wire_reader& in, storage::event_row& e) {
  e.type = in.known(event_type::custom);
  e.at_ms = read_time(in);
  e.received_ms = read_time(in);
  e.id = in.identifier("an event's id is no identifier");
  e.name = in.identifier_or_none("an event's name is no identifier");
  e.user = in.identifier("an event's user is no identifier");
  e.popup = in.identifier_or_none("an event's popup is no identifier");
  e.variant = in.identifier_or_none("an event's variant is no identifier");
  e.decision_id = in.identifier_or_none("an event's decision is no identifier");
  e.properties = in.any_text();
  bool custom = e.type == event_type::custom;
  if (e.name.empty() == custom || (e.popup.empty() && !custom))
    in.refuse("an event has no popup or name, or a name that it may not have");
  if (!e.properties.empty() && !is_line_of_properties(e.properties))
    in.refuse("an event's properties are no JSON object, or too large");
}

} // namespace

void put(std::string& out, const events_ask_frame& f) {
  base::put_varint(out, f.id);
  base::put_varint(out, f.deadline_ms);
  base::put_varint(out, f.events.size());
  for (const auto& e : f.events)
    put(out, e);
}

void read(wire_reader& in, events_ask_frame& f) {
  f.id = in.varint();
  f.deadline_ms = static_cast<uint32_t>(in.number(UINT32_MAX, "a deadline is too far"));
  auto count = in.count(event_bytes_min);
  f.events.reserve(count);
  for (size_t i = 0; i < count && in.good(); ++i)
    read(in, f.events.emplace_back());
}

void put(std::string& out, const events_answer_frame& f) {
  base::put_varint(out, f.id);
  base::put_varint(out, static_cast<uint64_t>(f.result));
  put(out, f.route);
  base::put_varint(out, f.duplicates);
  base::put_text(out, f.detail);
}

void read(wire_reader& in, events_answer_frame& f) {
  f.id = in.varint();
  f.result = in.choice_or(events_result::moved, events_result::not_now);
  read(in, f.route);
  f.duplicates = static_cast<uint32_t>(in.number(UINT32_MAX, "there are too many duplicates"));
  f.detail = in.utf8("the text of an answer is not UTF-8");
}

} // namespace beckon::cluster
