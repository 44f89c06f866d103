#pragma once

#include "base/byte_codec.hpp"
#include "cluster/wire.hpp"

#include <string>
#include <string_view>

/// Writes and reads each kind of frame; only for this folder.
namespace beckon::cluster {

/// Reads and checks parts of frames; remembers the first fault.
class wire_reader : public base::byte_reader {
 public:
  using base::byte_reader::byte_reader;

  /// Stops reading. `why` must live for ever.
  void refuse(const char* why) {
    if (good())
      why_ = why;
    fail();
  }

  /// The frame is of a later version: it is skipped, and the rest of the batch is read.
  void skip() {
    skipped_ = good();
    fail();
  }

  const char* why() const { return why_; }
  bool is_skipped() const { return skipped_; }

  uint64_t number(uint64_t max, const char* why) {
    auto n = varint();
    if (n > max)
      refuse(why);
    return n <= max ? n : 0;
  }

  bool flag() { return number(1, "a yes or no is neither") == 1; }

  template <class Enum>
  Enum choice(Enum last, const char* why) {
    return static_cast<Enum>(number(static_cast<uint64_t>(last), why));
  }

  /// A choice that means `other` when it is a later version's.
  template <class Enum>
  Enum choice_or(Enum last, Enum other) {
    auto n = varint();
    return n > static_cast<uint64_t>(last) ? other : static_cast<Enum>(n);
  }

  /// A choice of which later versions may have more: then the frame is skipped.
  template <class Enum>
  Enum known(Enum last) {
    auto n = varint();
    if (n > static_cast<uint64_t>(last))
      skip();
    return static_cast<Enum>(n > static_cast<uint64_t>(last) ? 0 : n);
  }

  std::string_view any_text() { return text(SIZE_MAX); }

  std::string_view utf8(const char* why) {
    auto result = any_text();
    if (!json::is_utf8(result))
      refuse(why);
    return result;
  }

  std::string_view identifier(const char* why) {
    auto result = any_text();
    if (!json::is_identifier(result))
      refuse(why);
    return result;
  }

  std::string_view identifier_or_none(const char* why) {
    auto result = any_text();
    if (!result.empty() && !json::is_identifier(result))
      refuse(why);
    return result;
  }

  /// Looks like a JSON object. Whoever uses it parses it or passes it to a client unchanged.
  std::string_view object_text_or_none(const char* why) {
    auto result = utf8(why);
    bool in_braces = result.size() >= 2 && result.front() == '{' && result.back() == '}';
    if (!result.empty() && !in_braces)
      refuse(why);
    return result;
  }

  std::string_view object_text(const char* why) {
    auto result = object_text_or_none(why);
    if (result.empty())
      refuse(why);
    return result;
  }

 private:
  bool skipped_ = false;
  const char* why_ = "it ends too early, or has a number or a length that is none";
};

void put(std::string& out, const route_claim& r);
void read(wire_reader& in, route_claim& r);

void put(std::string& out, const decide_ask_frame& f);
void put(std::string& out, const decide_answer_frame& f);
void put(std::string& out, const user_ask_frame& f);
void put(std::string& out, const user_answer_frame& f);
void put(std::string& out, const events_ask_frame& f);
void put(std::string& out, const events_answer_frame& f);
void put(std::string& out, const catalog_hint_frame& f);
void put(std::string& out, const route_hint_frame& f);
void put(std::string& out, const look_hint_frame& f);
void put(std::string& out, const unsupported_frame& f);

/// Fill a fresh frame. After a refusal its content is useless.
void read(wire_reader& in, decide_ask_frame& f);
void read(wire_reader& in, decide_answer_frame& f);
void read(wire_reader& in, user_ask_frame& f);
void read(wire_reader& in, user_answer_frame& f);
void read(wire_reader& in, events_ask_frame& f);
void read(wire_reader& in, events_answer_frame& f);
void read(wire_reader& in, catalog_hint_frame& f);
void read(wire_reader& in, route_hint_frame& f);
void read(wire_reader& in, look_hint_frame& f);
void read(wire_reader& in, unsupported_frame& f);

} // namespace beckon::cluster
