#include "json/object_reader.hpp"

#include "json/time_text.hpp"

#include <algorithm>
#include <array>

namespace beckon::json {

namespace {

constexpr size_t pointer_key_bytes_max = 256;
constexpr size_t nearest_bytes_max = 64;
constexpr size_t known_reserve = 16;

void append_escaped(std::string& out, std::string_view key) {
  for (char c : key) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out.push_back(c);
  }
}

/// Counts letters to insert, delete, change, or swap with their neighbour. Both have at most
/// nearest_bytes_max bytes.
size_t edit_distance(std::string_view a, std::string_view b) {
  using row = std::array<size_t, nearest_bytes_max + 1>;
  row before_last{};
  row last{};
  row current{};
  for (size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({change, last[j] + 1, current[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        current[j] = std::min(current[j], before_last[j - 2] + 1);
    }
    before_last = last;
    last = current;
  }
  return last[b.size()];
}

bool is_whole(double d) {
  return d >= -9007199254740992.0 && d <= 9007199254740992.0
         && d == static_cast<double>(static_cast<int64_t>(d));
}

std::string number_text(double d) {
  return is_whole(d) ? std::to_string(static_cast<int64_t>(d)) : to_string(value(d));
}

} // namespace

std::string path::text() const {
  if (parent == nullptr)
    return {};
  auto result = parent->text();
  result.push_back('/');
  if (index >= 0)
    result += std::to_string(index);
  else
    append_escaped(result, clipped(key, pointer_key_bytes_max));
  return result;
}

void add_error(field_errors& errors, const path& where, std::string detail, fault kind) {
  if (errors.size() < field_errors_max)
    errors.push_back({where.text(), std::move(detail), kind});
}

object_reader::object_reader(const value& v, const path& where, field_errors& errors)
    : where_(where), errors_(errors) {
  known_.reserve(known_reserve);
  if (v.IsObject())
    object_ = &v;
  else
    add_error(errors_, where_, "must be a JSON object");
}

const value* object_reader::member(std::string_view name, need n) {
  known_.push_back(name);
  if (object_ == nullptr)
    return nullptr;
  bool is_null = false;
  for (auto i = object_->MemberBegin(); i != object_->MemberEnd(); ++i)
    if (view(i->name) == name) {
      if (!i->value.IsNull())
        return &i->value;
      is_null = true;
    }
  if (n == need::required)
    add_error(errors_, at(name), is_null ? "must not be null: null is no value" : "is required",
              fault::missing);
  return nullptr;
}

std::optional<std::string_view> object_reader::string(std::string_view name, need n) {
  const auto* v = member(name, n);
  if (v == nullptr)
    return std::nullopt;
  if (v->IsString())
    return view(*v);
  error(name, "must be a string");
  return std::nullopt;
}

std::optional<std::string_view> object_reader::identifier(std::string_view name, need n) {
  auto text = string(name, n);
  if (!text || is_identifier(*text))
    return text;
  error(name, "must be 1 to 128 bytes of UTF-8 without control characters");
  return std::nullopt;
}

std::optional<bool> object_reader::boolean(std::string_view name) {
  const auto* v = member(name);
  if (v == nullptr)
    return std::nullopt;
  if (v->IsBool())
    return v->GetBool();
  error(name, "must be true or false");
  return std::nullopt;
}

std::optional<int64_t> object_reader::integer(std::string_view name, int64_t min, int64_t max) {
  const auto* v = member(name);
  if (v == nullptr)
    return std::nullopt;
  std::optional<int64_t> result;
  if (v->IsInt64())
    result = v->GetInt64();
  else if (v->IsDouble() && is_whole(v->GetDouble())) // 3.0 and 1e3 are whole numbers too
    result = static_cast<int64_t>(v->GetDouble());
  if (result && *result >= min && *result <= max)
    return result;
  error(name, "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return std::nullopt;
}

std::optional<double> object_reader::number(std::string_view name, double min, double max) {
  const auto* v = member(name);
  if (v == nullptr)
    return std::nullopt;
  if (v->IsNumber()) {
    double result = v->GetDouble();
    if (result >= min && result <= max)
      return result;
  }
  error(name, "must be a number from " + number_text(min) + " to " + number_text(max));
  return std::nullopt;
}

std::optional<int64_t> object_reader::duration_ms(std::string_view name) {
  const auto* v = member(name);
  if (v == nullptr)
    return std::nullopt;
  if (v->IsString())
    if (auto result = parse_duration_ms(view(*v)))
      return result;
  error(name,
        "must be a duration as a string, a whole number and one of ms, s, m, h, d, w, such as \"90s\" or "
        "\"7d\"; at most ten years");
  return std::nullopt;
}

std::optional<int64_t> object_reader::time_ms(std::string_view name) {
  const auto* v = member(name);
  if (v == nullptr)
    return std::nullopt;
  if (v->IsString())
    if (auto result = parse_stored_rfc3339_ms(view(*v)))
      return result;
  error(name, "must be an RFC 3339 time with an offset, such as \"2026-11-20T10:30:00Z\"");
  return std::nullopt;
}

const value* object_reader::array(std::string_view name, size_t min, size_t max, need n) {
  const auto* v = member(name, n);
  if (v == nullptr)
    return nullptr;
  if (v->IsArray() && v->Size() >= min && v->Size() <= max)
    return v;
  error(name, "must be an array of " + std::to_string(min) + " to " + std::to_string(max) + " elements");
  return nullptr;
}

const value* object_reader::object(std::string_view name, need n) {
  const auto* v = member(name, n);
  if (v == nullptr || v->IsObject())
    return v;
  error(name, "must be a JSON object");
  return nullptr;
}

void object_reader::finish() {
  if (object_ == nullptr)
    return;
  for (auto i = object_->MemberBegin(); i != object_->MemberEnd() && errors_.size() < field_errors_max; ++i) {
    auto name = view(i->name);
    if (std::find(known_.begin(), known_.end(), name) != known_.end())
      continue;
    std::string detail = "is not a known member here";
    if (auto near = nearest(name, known_))
      detail += "; did you mean \"" + std::string{*near} + "\"?";
    else
      detail += "; leave it out";
    add_error(errors_, at(name), std::move(detail), fault::unknown);
  }
}

bool is_identifier(std::string_view text) {
  if (text.empty() || text.size() > 128 || !is_utf8(text))
    return false;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7F)
      return false;
    // U+0080 to U+009F are C2 80 to C2 9F; C2 is never a continuation byte.
    if (c == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0)
      return false;
  }
  return true;
}

std::optional<std::string_view> nearest(std::string_view name,
                                        const std::vector<std::string_view>& candidates) {
  if (name.size() > nearest_bytes_max)
    return std::nullopt;
  std::optional<std::string_view> best;
  bool tied = false;
  size_t best_distance = 1 + std::max<size_t>(1, name.size() / 3); // more slips than that is another word
  for (auto candidate : candidates) {
    if (candidate.size() > nearest_bytes_max)
      continue;
    auto distance = edit_distance(name, candidate);
    if (distance < best_distance && distance < std::max(name.size(), candidate.size())) {
      best = candidate;
      best_distance = distance;
      tied = false;
    } else if (distance == best_distance && candidate != best) {
      tied = true;
    }
  }
  return tied ? std::nullopt : best; // between two of the same distance there is nothing to choose by
}

} // namespace beckon::json
