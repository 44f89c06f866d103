#include "decision/attribute.hpp"

#include "json/writer.hpp"

#include <algorithm>

namespace beckon::decision {

namespace {

constexpr size_t list_elements_max = 100;

using item = std::pair<std::string, attribute_value>;

std::optional<attribute_value> list_from(const json::value& v, const json::path& where,
                                         json::field_errors& errors) {
  if (v.Size() > list_elements_max) {
    json::add_error(errors, where, "must have at most " + std::to_string(list_elements_max) + " elements");
    return std::nullopt;
  }
  std::vector<attribute_scalar> list;
  list.reserve(v.Size());
  for (rapidjson::SizeType i = 0; i < v.Size(); ++i) {
    auto scalar = parse_scalar(v[i]);
    if (!scalar) {
      json::add_error(errors, {&where, {}, i}, "must be a string, a number, true or false");
      return std::nullopt;
    }
    list.push_back(std::move(*scalar));
  }
  return list;
}

std::optional<attribute_value> value_from(const json::value& v, const json::path& where,
                                          json::field_errors& errors) {
  if (v.IsArray())
    return list_from(v, where, errors);
  if (auto scalar = parse_scalar(v))
    return std::visit([](auto& x) { return attribute_value{std::move(x)}; }, *scalar);
  json::add_error(errors, where, "must be a string, a number, true, false, or an array of these");
  return std::nullopt;
}

void write_part(json::writer& out, bool b) {
  out.boolean(b);
}

void write_part(json::writer& out, int64_t i) {
  out.number(i);
}

void write_part(json::writer& out, double d) {
  out.number(d);
}

void write_part(json::writer& out, const std::string& text) {
  out.string(text);
}

void write_part(json::writer& out, const std::vector<attribute_scalar>& list) {
  out.begin_array();
  for (const auto& scalar : list)
    std::visit([&](const auto& x) { write_part(out, x); }, scalar);
  out.end_array();
}

/// An upper bound on the size of the value as JSON text: an escape takes six bytes, a number at most 25.
size_t bytes_bound(const attribute_value& v) {
  if (const auto* text = std::get_if<std::string>(&v))
    return 2 + text->size() * 6;
  const auto* list = std::get_if<std::vector<attribute_scalar>>(&v);
  if (list == nullptr)
    return 25;
  size_t result = 2;
  for (const auto& scalar : *list) {
    const auto* text = std::get_if<std::string>(&scalar);
    result += 1 + (text != nullptr ? 2 + text->size() * 6 : 25);
  }
  return result;
}

void check_size(const attributes& a, const json::path& where, json::field_errors& errors) {
  if (a.size() > attributes_max) {
    json::add_error(errors, where, "must have at most " + std::to_string(attributes_max) + " attributes");
    return;
  }
  size_t bound = 2;
  for (const auto& [name, v] : a.items())
    bound += 4 + name.size() * 6 + bytes_bound(v);
  // Render the text only if the cheap bound is inconclusive.
  if (bound > attributes_bytes_max && to_json(a).size() > attributes_bytes_max)
    json::add_error(errors, where,
                    "must have at most " + std::to_string(attributes_bytes_max) + " bytes as JSON text");
}

/// Applies one member. In a new set, null removes nothing.
void apply_member(attributes& target, const json::value& name, const json::value& v, const json::path& where,
                  json::field_errors& errors) {
  auto key = json::view(name);
  json::path at{&where, key, -1};
  if (!json::is_identifier(key)) {
    json::add_error(errors, at,
                    "an attribute's name must be 1 to 128 bytes of UTF-8 without control characters");
  } else if (v.IsNull()) {
    target.erase(key);
  } else if (auto parsed = value_from(v, at, errors)) {
    target.set(std::string{key}, std::move(*parsed));
  }
}

} // namespace

const attribute_value* attributes::find(std::string_view name) const {
  auto at = std::lower_bound(items_.begin(), items_.end(), name,
                             [](const item& i, std::string_view n) { return i.first < n; });
  return at != items_.end() && at->first == name ? &at->second : nullptr;
}

void attributes::set(std::string name, attribute_value v) {
  auto at = std::lower_bound(items_.begin(), items_.end(), name,
                             [](const item& i, const std::string& n) { return i.first < n; });
  if (at != items_.end() && at->first == name)
    at->second = std::move(v);
  else
    items_.emplace(at, std::move(name), std::move(v));
}

bool attributes::erase(std::string_view name) {
  auto at = std::lower_bound(items_.begin(), items_.end(), name,
                             [](const item& i, std::string_view n) { return i.first < n; });
  if (at == items_.end() || at->first != name)
    return false;
  items_.erase(at);
  return true;
}

std::optional<attribute_scalar> parse_scalar(const json::value& v) {
  if (v.IsBool())
    return v.GetBool();
  if (v.IsInt64())
    return v.GetInt64();
  if (v.IsNumber())
    return v.GetDouble();
  if (v.IsString())
    return std::string{json::view(v)};
  return std::nullopt;
}

attributes parse_attributes(const json::value& v, const json::path& where, json::field_errors& errors) {
  attributes result;
  patch_attributes(result, v, where, errors);
  return result;
}

void patch_attributes(attributes& target, const json::value& v, const json::path& where,
                      json::field_errors& errors) {
  if (!v.IsObject()) {
    json::add_error(errors, where, "must be a JSON object");
    return;
  }
  auto errors_before = errors.size();
  attributes result = target;
  for (auto i = v.MemberBegin(); i != v.MemberEnd() && errors.size() < json::field_errors_max; ++i) {
    apply_member(result, i->name, i->value, where, errors);
    // A later removal in the same patch could make room again, but not for an unlimited number of names.
    if (result.size() > 2 * attributes_max)
      break;
  }
  check_size(result, where, errors);
  if (errors.size() == errors_before && errors_before < json::field_errors_max)
    target = std::move(result);
}

void write(json::writer& out, const attribute_value& v) {
  std::visit([&](const auto& x) { write_part(out, x); }, v);
}

std::string to_json(const attributes& a) {
  std::string result;
  json::writer out{result};
  out.begin_object();
  for (const auto& [name, v] : a.items())
    write(out.key(name), v);
  out.end_object();
  return result;
}

} // namespace beckon::decision
