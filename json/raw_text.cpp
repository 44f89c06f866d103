#include "json/raw_text.hpp"

#include <algorithm>

namespace beckon::json {

namespace {

constexpr std::string_view largest_integer = "9223372036854775807";

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

size_t skip_blanks(std::string_view text, size_t at) {
  while (at < text.size() && is_blank(text[at]))
    ++at;
  return at;
}

/// Behind the string that begins at `at`.
size_t skip_string(std::string_view text, size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at)
    if (text[at] == '\\')
      ++at;
  return std::min(at + 1, text.size());
}

/// Behind the value that begins at `at`.
size_t skip_value(std::string_view text, size_t at) {
  size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      if (depth == 0)
        return at;
      continue;
    }
    if (depth == 0 && (c == ',' || c == ']' || c == '}' || is_blank(c)))
      return at;
    if (c == '{' || c == '[')
      ++depth;
    else if ((c == '}' || c == ']') && --depth == 0)
      return at + 1;
    ++at;
  }
  return at;
}

/// Calls `take(at)` for each part of the object or array; it returns the place behind the part.
template <class Take>
void each_part(std::string_view text, char open, Take take) {
  auto at = skip_blanks(text, 0);
  if (at == text.size() || text[at] != open)
    return;
  for (at = skip_blanks(text, at + 1); at < text.size() && text[at] != ']' && text[at] != '}';) {
    at = skip_blanks(text, take(at));
    if (at < text.size() && text[at] == ',')
      at = skip_blanks(text, at + 1);
  }
}

/// Whether there is a run of 19 digits: a digit at every 19th place that belongs to one.
bool may_have_large_integer(std::string_view text) {
  constexpr size_t run = largest_integer.size();
  for (size_t at = 0; at < text.size(); at += run) {
    if (!is_digit(text[at]))
      continue;
    size_t begin = at;
    while (begin > 0 && is_digit(text[begin - 1]))
      --begin;
    size_t end = at;
    while (end < text.size() && is_digit(text[end]))
      ++end;
    if (end - begin >= run)
      return true;
  }
  return false;
}

bool is_large_integer(std::string_view number) {
  if (!number.empty() && number.front() == '-')
    number.remove_prefix(1);
  for (char c : number)
    if (!is_digit(c))
      return false;
  return number.size() > largest_integer.size()
         || (number.size() == largest_integer.size() && number > largest_integer);
}

// Recursion is bounded by the depth that parse() lets pass.
void refuse_in(std::string_view text, const path& where, field_errors& errors) {
  const auto at = skip_blanks(text, 0);
  const char first = at < text.size() ? text[at] : '\0';
  if (first == '{') {
    for (const auto& m : raw_members(text)) {
      const auto name = unquoted(m.name);
      refuse_in(m.value, {&where, name, -1}, errors);
    }
  } else if (first == '[') {
    int64_t index = 0;
    for (const auto& element : raw_elements(text))
      refuse_in(element, {&where, {}, index++}, errors);
  } else if ((first == '-' || is_digit(first)) && is_large_integer(text)) {
    add_error(
        errors, where,
        "is an integer beyond 9223372036854775807 (2^63-1) in one direction or the other, which would be "
        "compared rounded; send it as a string");
  }
}

} // namespace

std::vector<raw_member> raw_members(std::string_view object) {
  std::vector<raw_member> result;
  each_part(object, '{', [&](size_t at) {
    const auto name_end = skip_string(object, at);
    const auto begin = skip_blanks(object, skip_blanks(object, name_end) + 1);
    const auto end = skip_value(object, begin);
    result.push_back({object.substr(at, name_end - at), object.substr(begin, end - begin)});
    return end;
  });
  return result;
}

std::vector<std::string_view> raw_elements(std::string_view array) {
  std::vector<std::string_view> result;
  each_part(array, '[', [&](size_t at) {
    const auto end = skip_value(array, at);
    result.push_back(array.substr(at, end - at));
    return end;
  });
  return result;
}

std::string unquoted(std::string_view quoted) {
  if (quoted.find('\\') == std::string_view::npos)
    return std::string{quoted.substr(1, quoted.size() - 2)};
  document doc;
  return parse(quoted, doc) ? std::string{} : std::string{view(doc)};
}

std::string_view raw_value(std::string_view object, std::string_view name) {
  for (const auto& m : raw_members(object))
    if (unquoted(m.name) == name)
      return m.value;
  return {};
}

std::string compacted(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    if (is_blank(text[at])) {
      ++at;
      continue;
    }
    const auto end = text[at] == '"' ? skip_string(text, at) : at + 1;
    result.append(text, at, end - at);
    at = end;
  }
  return result;
}

void refuse_large_integers(std::string_view object, std::string_view name, field_errors& errors) {
  if (!may_have_large_integer(object))
    return;
  const path root;
  refuse_in(raw_value(object, name), {&root, name, -1}, errors);
}

} // namespace beckon::json
