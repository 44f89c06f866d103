#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// Byte classes of RFC 9110 and 9112 as one table: no locale, one load per byte.
namespace beckon::net {

enum char_class : uint8_t {
  class_token = 1,  // tchar
  class_target = 2, // visible ASCII: what may stand in a request target
  class_value = 4,  // field value: HTAB, SP, visible ASCII and obs-text (0x80 to 0xff)
  class_digit = 8,
  class_hex = 16,
  class_host = 32, // letters, digits, "-", ".", "_", "~"
};

constexpr bool is_alnum(int c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr std::array<uint8_t, 256> make_char_classes() {
  std::array<uint8_t, 256> table{};
  for (int c = 0; c < 256; ++c) {
    uint8_t bits = 0;
    const bool visible = c > 0x20 && c < 0x7f;
    if (visible)
      bits |= class_target;
    if (visible || c == ' ' || c == '\t' || c >= 0x80)
      bits |= class_value;
    if (c >= '0' && c <= '9')
      bits |= class_digit | class_hex;
    if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
      bits |= class_hex;
    if (is_alnum(c))
      bits |= class_token | class_host;
    table[static_cast<size_t>(c)] = bits;
  }
  for (const char c : std::string_view{"!#$%&'*+-.^_`|~"})
    table[static_cast<unsigned char>(c)] |= class_token;
  for (const char c : std::string_view{"-._~"})
    table[static_cast<unsigned char>(c)] |= class_host;
  return table;
}

inline constexpr std::array<uint8_t, 256> char_classes = make_char_classes();

constexpr bool is_class(char c, char_class k) {
  return (char_classes[static_cast<unsigned char>(c)] & k) != 0;
}

/// The first position at or after `pos` whose byte is not of class `k`; text.size() if there is none.
inline size_t end_of_run(std::string_view text, size_t pos, char_class k) {
  while (pos < text.size() && is_class(text[pos], k))
    ++pos;
  return pos;
}

/// Whether `text` is not empty and all of class `k`.
inline bool all_of_class(std::string_view text, char_class k) {
  return !text.empty() && end_of_run(text, 0, k) == text.size();
}

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// Compares ignoring ASCII case; `lower_case` is lower-case.
inline bool equals_ignoring_case(std::string_view text, std::string_view lower_case) {
  if (text.size() != lower_case.size())
    return false;
  for (size_t i = 0; i < text.size(); ++i)
    if (lower(text[i]) != lower_case[i])
      return false;
  return true;
}

/// The value of a hexadecimal digit. Requires class_hex.
constexpr uint32_t hex_value(char c) {
  return static_cast<uint32_t>(c <= '9' ? c - '0' : lower(c) - 'a' + 10);
}

/// `text` without blanks and tabs at both ends.
inline std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && blank(text.back()))
    text.remove_suffix(1);
  return text;
}

} // namespace beckon::net
