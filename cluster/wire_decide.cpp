#include "cluster/wire_codec.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace beckon::cluster {

namespace {

using decision::attribute_scalar;
using decision::attribute_value;

constexpr size_t list_elements_max = 100; // the same limit as for attributes in JSON
constexpr size_t placement_bytes_min = 2; // a length and a byte
constexpr size_t attribute_bytes_min = 3; // a name of one byte and a truth value
constexpr uint64_t explain_bit = 1;
constexpr uint64_t dry_run_bit = 2;

enum class value_kind : uint8_t { no, yes, whole, real, text, list };

void put(std::string& out, value_kind k) {
  out.push_back(static_cast<char>(k));
}

void put(std::string& out, bool b) {
  put(out, b ? value_kind::yes : value_kind::no);
}

void put(std::string& out, int64_t i) {
  put(out, value_kind::whole);
  base::put_signed(out, i);
}

void put(std::string& out, double d) {
  uint64_t bits = 0;
  std::memcpy(&bits, &d, sizeof(bits));
  put(out, value_kind::real);
  base::put_fixed(out, bits);
}

void put(std::string& out, const std::string& text) {
  put(out, value_kind::text);
  base::put_text(out, text);
}

void put(std::string& out, const std::vector<attribute_scalar>& list) {
  put(out, value_kind::list);
  base::put_varint(out, list.size());
  for (const auto& scalar : list)
    std::visit([&](const auto& v) { put(out, v); }, scalar);
}

void put(std::string& out, const decision::attributes& a) {
  base::put_varint(out, a.size());
  for (const auto& [name, value] : a.items()) {
    base::put_text(out, name);
    std::visit([&](const auto& v) { put(out, v); }, value);
  }
}

double read_real(wire_reader& in) {
  auto bits = in.fixed<uint64_t>();
  double d = 0;
  std::memcpy(&d, &bits, sizeof(d));
  if (!std::isfinite(d))
    in.refuse("an attribute is not a finite number");
  return d;
}

template <class Value>
Value read_scalar(wire_reader& in, value_kind kind) {
  switch (kind) {
  case value_kind::no:
  case value_kind::yes:
    return kind == value_kind::yes;
  case value_kind::whole:
    return in.signed_varint();
  case value_kind::real:
    return read_real(in);
  case value_kind::text:
    return std::string{in.utf8("an attribute's text is not UTF-8")};
  case value_kind::list:
    break;
  }
  in.refuse("a list stands within a list");
  return false;
}

value_kind read_kind(wire_reader& in) {
  return in.known(value_kind::list);
}

attribute_value read_value(wire_reader& in) {
  auto kind = read_kind(in);
  if (kind != value_kind::list)
    return read_scalar<attribute_value>(in, kind);
  auto count = in.count(1);
  if (count > list_elements_max)
    in.refuse("an attribute's list is too long");
  std::vector<attribute_scalar> list;
  for (size_t i = 0; i < count && in.good(); ++i) {
    if (i == 0)
      list.reserve(count);
    list.push_back(read_scalar<attribute_scalar>(in, read_kind(in)));
  }
  return list;
}

void read(wire_reader& in, decision::attributes& out) {
  auto bytes_before = in.left();
  auto count = in.count(attribute_bytes_min);
  if (count > decision::attributes_max)
    in.refuse("there are too many attributes");
  std::string_view last;
  for (size_t i = 0; i < count && in.good(); ++i) {
    auto name = in.identifier("an attribute's name is no identifier");
    if (i > 0 && name <= last)
      in.refuse("attributes are not sorted by name");
    last = name;
    out.set(std::string{name}, read_value(in));
  }
  // A byte here is at most six bytes of JSON, so render the text only if that bound is inconclusive.
  if (in.good() && (bytes_before - in.left()) * 6 + 2 > decision::attributes_bytes_max
      && decision::to_json(out).size() > decision::attributes_bytes_max)
    in.refuse("the attributes are too large");
}

void read_placements(wire_reader& in, std::vector<std::string>& out) {
  auto count = in.count(placement_bytes_min);
  if (count == 0 || count > decision::placements_max) {
    in.refuse("there are no placements, or too many");
    return;
  }
  out.reserve(count);
  for (size_t i = 0; i < count && in.good(); ++i) {
    auto name = in.identifier("a placement is no identifier");
    if (std::find(out.begin(), out.end(), name) != out.end())
      in.refuse("a placement stands there twice");
    out.emplace_back(name);
  }
}

} // namespace

void put(std::string& out, const decide_ask_frame& f) {
  const auto& r = f.request;
  base::put_varint(out, f.id);
  base::put_varint(out, f.epoch);
  base::put_varint(out, f.deadline_ms);
  base::put_varint(out, (r.explain ? explain_bit : 0) | (r.dry_run ? dry_run_bit : 0));
  base::put_text(out, r.user);
  base::put_varint(out, r.placements.size());
  for (const auto& p : r.placements)
    base::put_text(out, p);
  put(out, r.context);
  put(out, r.attrs);
  base::put_text(out, r.trigger_event);
  base::put_text(out, f.request_id);
  base::put_varint(out, f.catalog);
}

void read(wire_reader& in, decide_ask_frame& f) {
  auto& r = f.request;
  f.id = in.varint();
  f.epoch = in.varint();
  f.deadline_ms = static_cast<uint32_t>(in.number(UINT32_MAX, "a deadline is too far"));
  auto flags = in.varint();
  if (flags > (explain_bit | dry_run_bit))
    in.skip();
  r.explain = (flags & explain_bit) != 0;
  r.dry_run = (flags & dry_run_bit) != 0;
  r.user = in.identifier("the user is no identifier");
  read_placements(in, r.placements);
  read(in, r.context);
  read(in, r.attrs);
  r.trigger_event = in.identifier_or_none("the trigger is no identifier");
  f.request_id = in.identifier_or_none("the request id is no identifier");
  f.catalog = in.varint();
}

void put(std::string& out, const decide_answer_frame& f) {
  base::put_varint(out, f.id);
  base::put_varint(out, static_cast<uint64_t>(f.result));
  put(out, f.route);
  if (f.result == ask_result::done)
    base::put_text(out, f.body);
}

void read(wire_reader& in, decide_answer_frame& f) {
  f.id = in.varint();
  f.result = in.choice_or(ask_result::moved, ask_result::unavailable);
  read(in, f.route);
  if (f.result == ask_result::done)
    f.body = in.object_text("the answer is no JSON object");
}

} // namespace beckon::cluster
