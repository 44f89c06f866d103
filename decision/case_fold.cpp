#include "decision/case_fold.hpp"

#include <algorithm>
#include <array>
#include <utf8proc.h>

namespace beckon::decision {

namespace {

constexpr utf8proc_int32_t dotted_capital_i = 0x130; // has a full folding ("i" and a dot) and no simple one

utf8proc_int32_t folded(utf8proc_int32_t c) {
  if (c == dotted_capital_i)
    return c;
  std::array<utf8proc_int32_t, 8> to{};
  int boundary = 0;
  const auto count = utf8proc_decompose_char(c, to.data(), static_cast<utf8proc_ssize_t>(to.size()),
                                             UTF8PROC_CASEFOLD, &boundary);
  // Where the full folding is a sequence, the simple one, if there is any, is the small letter.
  return count == 1 ? to[0] : utf8proc_tolower(c);
}

} // namespace

std::string case_folded(std::string_view text, size_t bytes) {
  std::string result;
  result.reserve(std::min(text.size(), bytes) + 4);
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  const auto* const end = at + text.size();
  while (at != end && result.size() < bytes) {
    if (*at < 0x80) {
      result.push_back(static_cast<char>(*at >= 'A' && *at <= 'Z' ? *at + ('a' - 'A') : *at));
      ++at;
      continue;
    }
    utf8proc_int32_t c = 0;
    const auto length = utf8proc_iterate(at, end - at, &c);
    if (length <= 0) {
      result.push_back(static_cast<char>(*at++));
      continue;
    }
    std::array<utf8proc_uint8_t, 4> out{};
    const auto n = utf8proc_encode_char(folded(c), out.data());
    result.append(reinterpret_cast<const char*>(out.data()), static_cast<size_t>(n));
    at += length;
  }
  return result;
}

std::string case_folded(std::string_view text) {
  return case_folded(text, static_cast<size_t>(-1));
}

} // namespace beckon::decision
