#include "config/value.hpp"

#include "json/json.hpp"
#include "json/object_reader.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

namespace beckon::config {

namespace {

std::vector<std::string_view> split(std::string_view choices) {
  std::vector<std::string_view> result;
  while (!choices.empty()) {
    auto end = choices.find('|');
    result.push_back(choices.substr(0, end));
    choices.remove_prefix(end == std::string_view::npos ? choices.size() : end + 1);
  }
  return result;
}

bool is_plain_text(std::string_view text) {
  return json::is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
         });
}

std::string must_be(const key& k, std::string_view written) {
  return "must be " + describe_range(k) + ", but is \"" + json::clipped(written) + '"';
}

checked_value check_integer(const key& k, std::string_view written) {
  checked_value result;
  const auto* end = written.data() + written.size();
  auto [stop, status] = std::from_chars(written.data(), end, result.number);
  if (status != std::errc{} || stop != end || result.number < k.min || result.number > k.max)
    result.problem = must_be(k, written);
  result.text = std::to_string(result.number);
  return result;
}

checked_value check_choice(const key& k, std::string_view written) {
  checked_value result;
  result.text = std::string{written};
  auto choices = split(k.choices);
  if (std::find(choices.begin(), choices.end(), written) != choices.end())
    return result;
  result.problem = must_be(k, written);
  if (auto near = json::nearest(written, choices))
    result.problem += "; did you mean " + std::string{*near} + '?';
  return result;
}

} // namespace

std::string describe_range(const key& k) {
  switch (k.type) {
  case value_type::integer:
    return "a whole number from " + std::to_string(k.min) + " to " + std::to_string(k.max);
  case value_type::boolean:
    return "true or false";
  case value_type::text:
    return "a text of " + std::to_string(k.min) + " to " + std::to_string(k.max)
           + " bytes without control characters";
  case value_type::choice:
    break;
  }
  std::string result;
  auto choices = split(k.choices);
  for (size_t i = 0; i < choices.size(); ++i) {
    if (i > 0)
      result += i + 1 == choices.size() ? " or " : ", ";
    result.append("'").append(choices[i]).append("'");
  }
  return result;
}

checked_value check_value(const key& k, std::string_view written) {
  checked_value result;
  switch (k.type) {
  case value_type::integer:
    return check_integer(k, written);
  case value_type::choice:
    return check_choice(k, written);
  case value_type::boolean:
    result.number = written == "true" ? 1 : 0;
    if (written != "true" && written != "false")
      result.problem = must_be(k, written);
    break;
  case value_type::text: {
    auto size = static_cast<int64_t>(written.size());
    if (size < k.min || size > k.max || !is_plain_text(written))
      result.problem = must_be(k, written);
    break;
  }
  }
  result.text = std::string{written};
  return result;
}

} // namespace beckon::config
