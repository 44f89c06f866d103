#pragma once

#include "json/json.hpp"

#include <array>
#include <charconv>
#include <cstring>
#include <type_traits>

namespace beckon::json {

/// Writes JSON text behind what a string already holds: the only place that sets commas, quotes and brackets.
/// Compact (no whitespace), members in the order of the calls. Every begin needs its end and every key its
/// value. Allocates only where the string has to grow, so reserve what you expect. Text is UTF-8.
///
///   writer w{out};
///   w.begin_object().member("shows", 3).key("popups").begin_array().string("a").end_array().end_object();
///   // {"shows":3,"popups":["a"]}
///
/// Short pieces are gathered here first, which is quicker than appending each: the string is whole when the
/// outermost value is, or when the writer is gone. Leave it alone until then.
class writer {
 public:
  /// `goes_on`: a value stands at the end of `out` already, and the next one of the same list follows it.
  explicit writer(std::string& out, bool goes_on = false) : out_(out), comma_(goes_on) {}
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;
  ~writer() { flush(); }

  writer& begin_object() { return open('{'); }
  writer& end_object() { return close('}'); }
  writer& begin_array() { return open('['); }

  /// `space`: whitespace before the bracket.
  writer& end_array(std::string_view space = {}) {
    put(space);
    return close(']');
  }

  /// Takes up a whole object, not empty, as if its last brace had not been written; end_object() closes it.
  writer& reopen_object(std::string_view object) {
    ++depth_;
    return raw(object.substr(0, object.size() - 1));
  }

  /// The name of the next member. This one is for names in the source, which need no escape.
  template <size_t N>
  writer& key(const char (&name)[N]) {
    begin_value(N + 2);
    buffer_[used_++] = '"';
    std::memcpy(buffer_.data() + used_, name, N - 1);
    used_ += N - 1;
    buffer_[used_++] = '"';
    buffer_[used_++] = ':';
    return *this;
  }

  template <class Text, class = std::enable_if_t<!std::is_array_v<Text>>>
  writer& key(const Text& name) {
    quote(name);
    put(":");
    return *this;
  }

  writer& string(std::string_view text) {
    quote(text);
    return value_done();
  }

  /// A string whose bytes above 0x7F become "?" when it is not UTF-8: what others sent.
  writer& any_text(std::string_view text);

  template <class Whole, class = std::enable_if_t<std::is_integral_v<Whole> && !std::is_same_v<Whole, bool>>>
  writer& number(Whole n) {
    begin_value(number_bytes_max);
    auto* at = buffer_.data() + used_;
    used_ += static_cast<size_t>(std::to_chars(at, at + number_bytes_max, n).ptr - at);
    return value_done();
  }

  /// Finite. The shortest text that reads back as the same double: 0.1, 100.0.
  writer& number(double d);

  writer& boolean(bool b) { return raw(b ? "true" : "false"); }
  writer& null() { return raw("null"); }

  /// A whole JSON value as text.
  writer& raw(std::string_view json) {
    begin_value(0);
    put(json);
    return value_done();
  }

  /// A moment as RFC 3339 text.
  writer& time(int64_t unix_ms);

  /// A moment, or null for 0, which says never.
  writer& time_or_null(int64_t unix_ms) { return unix_ms != 0 ? time(unix_ms) : null(); }

  /// A member with a value of the kind that its type says: text, whole number, double, bool.
  template <class Name, class Value>
  writer& member(const Name& name, const Value& v) {
    key(name);
    if constexpr (std::is_same_v<Value, bool>)
      return boolean(v);
    else if constexpr (std::is_arithmetic_v<Value>)
      return number(v);
    else
      return string(v);
  }

  /// Whitespace before the next value of a list or the next name, for files that people read.
  writer& space(std::string_view whitespace) {
    begin_value(0);
    put(whitespace);
    return *this;
  }

 private:
  static constexpr size_t number_bytes_max = 20;

  /// Writes the comma that is due, and sees to it that `bytes` more have room. After it none is due until the
  /// value is whole.
  void begin_value(size_t bytes) {
    if (buffer_.size() - used_ < bytes + 1)
      flush();
    if (comma_)
      buffer_[used_++] = ',';
    comma_ = false;
  }

  writer& value_done() {
    comma_ = true;
    if (depth_ <= 0)
      flush();
    return *this;
  }

  writer& open(char bracket) {
    begin_value(1);
    buffer_[used_++] = bracket;
    ++depth_;
    return *this;
  }

  writer& close(char bracket) {
    put({&bracket, 1});
    --depth_;
    return value_done();
  }

  void quote(std::string_view text) {
    begin_value(0);
    if (text.size() + 2 > buffer_.size() - used_ || plain_length(text) != text.size()) {
      flush();
      append_quoted(out_, text);
      return;
    }
    buffer_[used_++] = '"';
    used_ += text.copy(buffer_.data() + used_, text.size());
    buffer_[used_++] = '"';
  }

  void put(std::string_view text) {
    if (text.size() > buffer_.size() - used_) {
      flush();
      if (text.size() > buffer_.size()) {
        out_ += text;
        return;
      }
    }
    used_ += text.copy(buffer_.data() + used_, text.size());
  }

  void flush() {
    out_.append(buffer_.data(), used_);
    used_ = 0;
  }

  std::string& out_;
  size_t used_ = 0;
  int depth_ = 0; // open brackets; below 0 where a writer closes what another opened
  bool comma_;    // a value stands before, so a comma goes before the next one
  std::array<char, 512> buffer_;
};

} // namespace beckon::json
