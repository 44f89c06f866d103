#include "decision/popup.hpp"

#include "decision/hash.hpp"
#include "decision/incoming.hpp"
#include "json/raw_text.hpp"

#include <algorithm>
#include <array>

namespace beckon::decision {

namespace {

constexpr size_t name_bytes_max = 256;
constexpr int64_t priority_max = 1'000'000;
constexpr int64_t max_shows_max = 1'000'000;
constexpr int64_t weight_max = 1'000'000;

constexpr auto required = json::object_reader::need::required;

constexpr std::array<std::string_view, 4> status_names = {"draft", "live", "paused", "archived"};
constexpr std::array<std::string_view, 5> event_names = {"impression", "click", "dismiss", "convert",
                                                         "custom"};

/// "must be one of a, b, c", with the nearest one for a likely typo.
template <size_t N>
std::string choice_text(std::string_view given, const std::array<std::string_view, N>& names) {
  std::string result = "must be one of";
  for (const auto& name : names)
    result.append(&name == names.data() ? " " : ", ").append(name);
  if (auto near = json::nearest(given, {names.begin(), names.end()}))
    result.append("; did you mean \"").append(*near).append("\"?");
  return result;
}

template <size_t N>
std::optional<size_t> index_of(std::string_view text, const std::array<std::string_view, N>& names) {
  auto at = std::find(names.begin(), names.end(), text);
  return at != names.end() ? std::optional{static_cast<size_t>(at - names.begin())} : std::nullopt;
}

void read_id(popup& p, json::object_reader& in, std::optional<std::string_view> forced_id) {
  auto id = in.identifier("id", forced_id ? json::object_reader::need::optional : required);
  if (forced_id && id && *id != *forced_id)
    in.error("id", "is \"" + json::clipped(*id) + "\", but the path names \"" + json::clipped(*forced_id)
                       + "\"; make them equal or leave the member out");
  if (forced_id && !json::is_identifier(*forced_id))
    in.error("id", "the id in the path must be 1 to 128 bytes of UTF-8 without control characters");
  p.id = forced_id ? *forced_id : id.value_or("");
}

void read_name_and_status(popup& p, json::object_reader& in) {
  if (auto name = in.string("name")) {
    p.name = *name;
    if (name->size() > name_bytes_max)
      in.error("name", "must have at most " + std::to_string(name_bytes_max) + " bytes");
  }
  if (auto status = in.string("status")) {
    if (auto index = index_of(*status, status_names))
      p.status = static_cast<popup_status>(*index);
    else
      in.error("status", choice_text(*status, status_names));
  }
}

void read_placements(popup& p, json::object_reader& in) {
  const auto* list = in.array("placements", 1, placements_max, required);
  auto where = in.at("placements");
  for (rapidjson::SizeType i = 0; list != nullptr && i < list->Size(); ++i) {
    const auto& v = (*list)[i];
    json::path at{&where, {}, i};
    if (!v.IsString() || !json::is_identifier(json::view(v)))
      json::add_error(in.errors(), at,
                      "must be a string of 1 to 128 bytes of UTF-8 without control characters");
    else if (std::find(p.placements.begin(), p.placements.end(), json::view(v)) != p.placements.end())
      json::add_error(in.errors(), at, "is named twice; keep one of them");
    else
      p.placements.emplace_back(json::view(v));
  }
}

void read_window(popup& p, json::object_reader& in) {
  const auto* v = in.object("window");
  if (v == nullptr)
    return;
  json::object_reader window{*v, in.at("window"), in.errors()};
  p.from_ms = window.time_ms("from");
  p.until_ms = window.time_ms("until");
  if (p.from_ms && p.until_ms && *p.until_ms <= *p.from_ms)
    window.error("until", "must be later than \"from\"");
  window.finish();
}

void read_trigger(popup& p, json::object_reader& in) {
  const auto* v = in.object("trigger");
  if (v == nullptr)
    return;
  json::object_reader trigger{*v, in.at("trigger"), in.errors()};
  p.trigger_event = trigger.identifier("event", required).value_or("");
  trigger.finish();
}

void read_rollout(popup& p, json::object_reader& in) {
  p.rollout_salt = p.id;
  const auto* v = in.object("rollout");
  if (v == nullptr)
    return;
  json::object_reader rollout{*v, in.at("rollout"), in.errors()};
  p.rollout_percent = rollout.number("percent", 0.0, 100.0).value_or(100.0);
  if (auto salt = rollout.identifier("salt"))
    p.rollout_salt = *salt;
  rollout.finish();
}

void read_stop_after(frequency& f, json::object_reader& in) {
  constexpr std::array<std::string_view, 3> outcomes = {"click", "dismiss", "convert"};
  const std::array<bool*, 3> flags = {&f.stop_after_click, &f.stop_after_dismiss, &f.stop_after_convert};
  const auto* list = in.array("stop_after", 0, outcomes.size());
  auto where = in.at("stop_after");
  for (rapidjson::SizeType i = 0; list != nullptr && i < list->Size(); ++i) {
    const auto& v = (*list)[i];
    auto text = v.IsString() ? json::view(v) : std::string_view{};
    if (auto index = index_of(text, outcomes))
      *flags[*index] = true;
    else
      json::add_error(in.errors(), {&where, {}, i}, choice_text(text, outcomes));
  }
}

void read_frequency(popup& p, json::object_reader& in) {
  const auto* v = in.object("frequency");
  if (v == nullptr)
    return;
  json::object_reader f{*v, in.at("frequency"), in.errors()};
  p.freq.every_ms = f.duration_ms("every");
  if (auto max_shows = f.integer("max_shows", 1, max_shows_max))
    p.freq.max_shows = static_cast<uint32_t>(*max_shows);
  read_stop_after(p.freq, f);
  p.freq.after_dismiss_ms = f.duration_ms("after_dismiss");
  p.freq.after_click_ms = f.duration_ms("after_click");
  f.finish();
}

/// The text of the member `content`, empty when there is none. `raw` is what the object was parsed from, or
/// empty.
std::string read_content(json::object_reader& in, std::string_view raw) {
  const auto* v = in.object("content");
  if (v == nullptr)
    return {};
  auto text = raw.empty() ? json::to_string(*v) : json::compacted(json::raw_value(raw, "content"));
  if (text.size() > content_bytes_max)
    in.error("content", "must have at most " + std::to_string(content_bytes_max)
                            + " bytes as compact JSON, has " + std::to_string(text.size()));
  return text;
}

variant read_variant(const popup& p, const json::value& v, std::string_view raw, const json::path& where,
                     json::field_errors& errors) {
  variant result;
  json::object_reader in{v, where, errors};
  result.id = in.identifier("id", required).value_or("");
  result.weight = static_cast<uint32_t>(in.integer("weight", 0, weight_max).value_or(1));
  result.content_json = read_content(in, raw);
  if (v.IsObject() && result.content_json.empty() && in.member("content") == nullptr) {
    if (p.content_json.empty())
      in.error("content", "is required, unless the popup has a content of its own for its variants");
    else
      result.content_json = p.content_json;
  }
  for (const auto& other : p.variants)
    if (!result.id.empty() && other.id == result.id)
      in.error("id", "is the id of another variant too; variants need distinct ids");
  in.finish();
  return result;
}

void read_contents(popup& p, json::object_reader& in, std::string_view raw) {
  p.content_json = read_content(in, raw);
  const auto* list = in.array("variants", 1, variants_max);
  if (in.member("content") == nullptr && in.member("variants") == nullptr)
    in.error("content", "is required, unless there are variants with contents");
  if (list == nullptr)
    return;
  auto where = in.at("variants");
  const auto texts = json::raw_elements(json::raw_value(raw, "variants"));
  for (rapidjson::SizeType i = 0; i < list->Size(); ++i) {
    const auto text = raw.empty() ? std::string_view{} : texts[i];
    p.variants.push_back(read_variant(p, (*list)[i], text, {&where, {}, i}, in.errors()));
    p.weight_sum += p.variants.back().weight;
  }
  if (p.weight_sum == 0)
    in.error("variants", "must have one weight above zero at least");
}

} // namespace

std::string_view to_string(event_type t) {
  return event_names[static_cast<size_t>(t)];
}

std::optional<event_type> event_type_from(std::string_view text) {
  auto index = index_of(text, event_names);
  return index ? std::optional{static_cast<event_type>(*index)} : std::nullopt;
}

popup parse_popup(const json::value& document, std::optional<std::string_view> forced_id,
                  json::field_errors& errors) {
  return parse_popup_text(document, {}, forced_id, errors);
}

popup parse_popup_text(const json::value& document, std::string_view text,
                       std::optional<std::string_view> forced_id, json::field_errors& errors) {
  popup p;
  json::path root;
  json::object_reader in{document, root, errors};
  if (!document.IsObject())
    return p;
  read_id(p, in, forced_id);
  read_name_and_status(p, in);
  read_placements(p, in);
  p.priority = static_cast<int32_t>(in.integer("priority", -priority_max, priority_max).value_or(0));
  read_window(p, in);
  read_trigger(p, in);
  if (const auto* audience = in.member("audience"))
    p.audience = compile_audience(*audience, in.at("audience"), errors);
  read_rollout(p, in);
  read_frequency(p, in);
  read_contents(p, in, text);
  in.finish();
  return p;
}

size_t pick_variant(const popup& p, std::string_view user) {
  auto point = (uint64_t{murmur3_32(p.rollout_salt, user, 1)} * p.weight_sum) >> 32;
  for (size_t i = 0; i < p.variants.size(); ++i) {
    if (point < p.variants[i].weight)
      return i;
    point -= p.variants[i].weight;
  }
  return 0; // unreachable: the point is below the sum of the weights
}

} // namespace beckon::decision
