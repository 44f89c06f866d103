#pragma once

#include "base/byte_codec.hpp"
#include "cluster/wire.hpp"
#include "decision/hash.hpp"

#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Random frames as the HTTP front and owners make them, and all that a frame holds as text.
namespace beckon::cluster::samples {

class frame_maker {
 public:
  explicit frame_maker(uint64_t seed) : random_(seed) {}

  uint64_t pick(uint64_t below) { return random_() % below; }
  bool yes(uint64_t one_in) { return pick(one_in) == 0; }

  /// Of any size: most are small, some take all bits.
  uint64_t number() { return random_() >> pick(64); }

  std::string text(size_t bytes_max) {
    static const std::vector<std::string> parts = {"a", "Z", "-", " ",    "\"",   "\\",
                                                   "ü", "€", "𝄞", "\x7f", "shop", "42"};
    std::string result;
    for (auto n = pick(bytes_max / 4 + 1); n > 0; --n)
      result += parts[pick(parts.size())];
    return result;
  }

  std::string identifier() {
    static const std::vector<std::string> parts = {"a", "B",  "-", "_",     " ", "\"",
                                                   "é", "名", "😀", "user-", "42"};
    std::string result;
    for (auto n = 1 + pick(yes(20) ? 32 : 6); n > 0; --n)
      result += parts[pick(parts.size())];
    return result.size() <= 128 ? result : "long";
  }

  std::string identifier_or_none() { return yes(2) ? std::string{} : identifier(); }

  decision::attribute_scalar scalar() {
    switch (pick(4)) {
    case 0:
      return yes(2);
    case 1:
      return static_cast<int64_t>(yes(2) ? number() : ~number());
    case 2:
      return static_cast<double>(static_cast<int64_t>(random_())) / 1024.0;
    default:
      return text(40);
    }
  }

  decision::attributes attributes() {
    decision::attributes result;
    for (auto n = yes(2) ? 0 : pick(yes(10) ? decision::attributes_max : 6); n > 0; --n) {
      if (yes(4)) {
        std::vector<decision::attribute_scalar> list;
        for (auto size = pick(yes(10) ? 100 : 5); size > 0; --size)
          list.push_back(yes(2) ? scalar() : decision::attribute_scalar{int64_t{7}});
        result.set(identifier(), std::move(list));
      } else {
        result.set(identifier(),
                   std::visit([](auto v) { return decision::attribute_value{std::move(v)}; }, scalar()));
      }
    }
    return decision::to_json(result).size() <= decision::attributes_bytes_max ? result
                                                                              : decision::attributes{};
  }

  route_claim route() { return {static_cast<uint16_t>(pick(decision::shard_count)), number(), number()}; }

  std::string object() { return R"({"a":")" + identifier_text() + R"("})"; }

  frame decide_ask() {
    decide_ask_frame f;
    f.id = number();
    f.epoch = number();
    f.deadline_ms = static_cast<uint32_t>(number());
    f.catalog = number();
    f.request.user = identifier();
    for (auto n = 1 + pick(yes(10) ? decision::placements_max : 3); n > 0; --n)
      f.request.placements.push_back("place " + std::to_string(n));
    f.request.context = attributes();
    f.request.attrs = attributes();
    f.request.trigger_event = identifier_or_none();
    f.request.explain = yes(3);
    f.request.dry_run = yes(3);
    f.request_id = identifier_or_none();
    return f;
  }

  frame decide_answer() {
    decide_answer_frame f;
    f.id = number();
    f.result = static_cast<ask_result>(pick(4));
    f.route = route();
    if (f.result == ask_result::done)
      f.body = object();
    return f;
  }

  frame user_ask() {
    user_ask_frame f;
    f.id = number();
    f.epoch = number();
    f.deadline_ms = static_cast<uint32_t>(number());
    f.verb = static_cast<user_verb>(pick(4));
    f.user = identifier();
    if (f.verb == user_verb::replace_profile || f.verb == user_verb::patch_profile)
      f.document = object();
    return f;
  }

  frame user_answer() {
    user_answer_frame f;
    f.id = number();
    f.result = static_cast<ask_result>(pick(4));
    f.route = route();
    f.found = yes(2);
    f.created = yes(2);
    for (auto n = yes(3) ? pick(json::field_errors_max + 1) : 0; n > 0; --n)
      f.errors.push_back({"/" + text(20), text(40), static_cast<json::fault>(pick(3))});
    if (yes(2)) {
      decision::user_state s;
      s.version = number();
      s.next_eligible_ms = static_cast<int64_t>(number() >> 12);
      s.touch(identifier()).shows = 3;
      f.state = decision::encode(s);
    }
    if (yes(2))
      f.profile = object();
    return f;
  }

  storage::event_row event() {
    storage::event_row e;
    e.id = identifier();
    e.type = static_cast<decision::event_type>(pick(5));
    bool custom = e.type == decision::event_type::custom;
    e.name = custom ? identifier() : std::string{};
    e.user = identifier();
    e.popup = custom ? identifier_or_none() : identifier();
    e.variant = identifier_or_none();
    e.decision_id = identifier_or_none();
    e.at_ms = static_cast<int64_t>(number() >> 12) * (yes(10) ? -1 : 1);
    e.received_ms = static_cast<int64_t>(number() >> 12);
    e.properties = yes(2) ? std::string{} : object();
    return e;
  }

  frame events_ask() {
    events_ask_frame f;
    f.id = number();
    f.deadline_ms = static_cast<uint32_t>(number());
    for (auto n = pick(yes(10) ? 40 : 4); n > 0; --n)
      f.events.push_back(event());
    return f;
  }

  frame events_answer() {
    events_answer_frame f;
    f.id = number();
    f.result = static_cast<events_result>(pick(4));
    f.route = route();
    f.duplicates = static_cast<uint32_t>(number());
    f.detail = text(80);
    return f;
  }

  /// Of the kind at this place of `frame`.
  frame make(size_t kind) {
    switch (kind) {
    case 0:
      return decide_ask();
    case 1:
      return decide_answer();
    case 2:
      return user_ask();
    case 3:
      return user_answer();
    case 4:
      return events_ask();
    case 5:
      return events_answer();
    case 6:
      return catalog_hint_frame{number()};
    case 7:
      return route_hint_frame{route()};
    case 8:
      return look_hint_frame{};
    default:
      return unsupported_frame{number()};
    }
  }

  batch_head head() { return {number(), number(), number(), number()}; }

  std::mt19937_64& random() { return random_; }

 private:
  std::string identifier_text() {
    std::string result;
    for (auto n = pick(40); n > 0; --n)
      result += static_cast<char>('a' + pick(26));
    return result;
  }

  std::mt19937_64 random_;
};

/// Lists every member of a frame, so that two frames are equal when their lists are.
class member_list {
 public:
  std::string take(const frame& f) {
    std::visit([this](const auto& one) { add(one); }, f);
    return std::move(out_);
  }

 private:
  void add(std::string_view text) {
    out_ += std::to_string(text.size()) + ':';
    out_ += text;
    out_ += '|';
  }
  void add(const std::string& text) { add(std::string_view{text}); }
  void add(uint64_t n) { out_ += std::to_string(n) + '|'; }
  void add(int64_t n) { out_ += std::to_string(n) + '|'; }
  void add(bool b) { out_ += b ? "yes|" : "no|"; }
  void add(double d) {
    char text[64];
    std::snprintf(text, sizeof(text), "%a|", d);
    out_ += text;
  }
  template <class Enum, class = std::enable_if_t<std::is_enum_v<Enum>>>
  void add(Enum e) {
    add(static_cast<uint64_t>(e));
  }
  void add(const std::vector<decision::attribute_scalar>& list) {
    out_ += '[';
    for (const auto& s : list)
      std::visit([this](const auto& v) { add(v); }, s);
    out_ += ']';
  }
  void add(const decision::attributes& a) {
    out_ += '{';
    for (const auto& [name, value] : a.items()) {
      add(name);
      out_ += std::to_string(value.index());
      std::visit([this](const auto& v) { add(v); }, value);
    }
    out_ += '}';
  }
  void add(const route_claim& r) { add_all(uint64_t{r.shard}, r.owner, r.epoch); }
  void add(const storage::event_row& e) {
    add_all(e.id, e.type, e.name, e.user, e.popup, e.variant, e.decision_id, e.at_ms, e.received_ms,
            e.properties, e.seq);
  }
  template <class... Members>
  void add_all(const Members&... members) {
    (add(members), ...);
  }

  void add(const decide_ask_frame& f) {
    add_all(f.id, f.epoch, uint64_t{f.deadline_ms}, f.catalog, f.request.user, f.request.context,
            f.request.attrs, f.request.trigger_event, f.request.explain, f.request.dry_run, f.request_id);
    for (const auto& p : f.request.placements)
      add(p);
  }
  void add(const decide_answer_frame& f) { add_all(f.id, f.result, f.route, f.body); }
  void add(const user_ask_frame& f) {
    add_all(f.id, f.epoch, uint64_t{f.deadline_ms}, f.verb, f.user, f.document);
  }
  void add(const user_answer_frame& f) {
    add_all(f.id, f.result, f.route, f.found, f.created, f.state, f.profile);
    for (const auto& e : f.errors)
      add_all(e.pointer, e.detail, e.kind);
  }
  void add(const events_ask_frame& f) {
    add_all(f.id, uint64_t{f.deadline_ms});
    for (const auto& e : f.events)
      add(e);
  }
  void add(const events_answer_frame& f) {
    add_all(f.id, f.result, f.route, uint64_t{f.duplicates}, f.detail);
  }
  void add(const catalog_hint_frame& f) { add(f.version); }
  void add(const route_hint_frame& f) { add(f.route); }
  void add(const look_hint_frame&) {}
  void add(const unsupported_frame& f) { add(f.id); }

  std::string out_;
};

/// Everything in a batch as text.
inline std::string describe(const batch& b) {
  const auto& h = b.head;
  std::string out;
  for (auto n : {h.from, h.to, h.sequence, h.acknowledged})
    out += std::to_string(n) + ' ';
  for (const auto& f : b.frames)
    out += "\n" + std::to_string(f.index()) + " " + member_list{}.take(f);
  return out;
}

/// The bytes of a batch whose frames fit the default bounds.
inline std::string encode(const batch& b) {
  batch_writer writer;
  for (const auto& f : b.frames)
    if (!writer.add(f))
      return {};
  return writer.finish(b.head);
}

/// A frame as a later version might send it: any kind, any body.
inline std::string foreign_frame(uint8_t kind, const std::string& body) {
  std::string out{static_cast<char>(kind)};
  base::put_fixed(out, static_cast<uint32_t>(body.size()));
  return out + body;
}

/// The bytes of a batch with one more frame behind its own.
inline std::string with_frame(std::string bytes, const std::string& frame) {
  constexpr size_t count_place = 34; // of the number of frames, in the head
  auto count = static_cast<uint8_t>(bytes[count_place]) + 1;
  base::write_fixed(&bytes[count_place], static_cast<uint32_t>(count));
  return bytes + frame;
}

inline batch batch_of(frame f) {
  batch b;
  b.frames.push_back(std::move(f));
  return b;
}

} // namespace beckon::cluster::samples
