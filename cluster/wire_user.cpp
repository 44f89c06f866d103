#include "cluster/wire_codec.hpp"

namespace beckon::cluster {

namespace {

constexpr size_t error_bytes_min = 3; // two lengths and the kind

bool has_document(user_verb v) {
  return v == user_verb::replace_profile || v == user_verb::patch_profile;
}

void read_errors(wire_reader& in, json::field_errors& out) {
  auto count = in.count(error_bytes_min);
  if (count > json::field_errors_max) {
    in.refuse("there are too many errors");
    return;
  }
  out.resize(count);
  for (auto& e : out) {
    e.pointer = in.utf8("the place of an error is not UTF-8");
    e.detail = in.utf8("the text of an error is not UTF-8");
    e.kind = in.choice(json::fault::unknown, "an error is of no known kind");
  }
}

} // namespace

void put(std::string& out, const user_ask_frame& f) {
  base::put_varint(out, f.id);
  base::put_varint(out, f.epoch);
  base::put_varint(out, f.deadline_ms);
  base::put_varint(out, static_cast<uint64_t>(f.verb));
  base::put_text(out, f.user);
  if (has_document(f.verb))
    base::put_text(out, f.document);
}

void read(wire_reader& in, user_ask_frame& f) {
  f.id = in.varint();
  f.epoch = in.varint();
  f.deadline_ms = static_cast<uint32_t>(in.number(UINT32_MAX, "a deadline is too far"));
  f.verb = in.known(user_verb::erase);
  f.user = in.identifier("the user is no identifier");
  if (has_document(f.verb))
    f.document = in.object_text("the profile is no JSON object");
}

void put(std::string& out, const user_answer_frame& f) {
  base::put_varint(out, f.id);
  base::put_varint(out, static_cast<uint64_t>(f.result));
  put(out, f.route);
  base::put_varint(out, f.found ? 1 : 0);
  base::put_varint(out, f.created ? 1 : 0);
  base::put_varint(out, f.errors.size());
  for (const auto& e : f.errors) {
    base::put_text(out, e.pointer);
    base::put_text(out, e.detail);
    base::put_varint(out, static_cast<uint64_t>(e.kind));
  }
  base::put_text(out, f.state);
  base::put_text(out, f.profile);
}

void read(wire_reader& in, user_answer_frame& f) {
  f.id = in.varint();
  f.result = in.choice_or(ask_result::moved, ask_result::unavailable);
  read(in, f.route);
  f.found = in.flag();
  f.created = in.flag();
  read_errors(in, f.errors);
  f.state = in.any_text();
  if (!f.state.empty() && !decision::decode_user_state(f.state))
    in.refuse("the user's state cannot be read");
  f.profile = in.object_text_or_none("the profile is no JSON object");
}

} // namespace beckon::cluster
