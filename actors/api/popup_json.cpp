#include "actors/api/popup_json.hpp"

#include "decision/catalog.hpp"
#include "decision/incoming.hpp"
#include "json/raw_text.hpp"
#include "json/writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

namespace beckon::actors {

namespace {

struct counts {
  uint64_t total = 0;
  uint64_t users = 0;
};

/// The API's names for the store's counters.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> stat_names{
    {{"show", "shows"},
     {"impression", "impressions"},
     {"click", "clicks"},
     {"dismiss", "dismissals"},
     {"convert", "conversions"},
     {"custom", "custom"}}};

void write_counts(json::writer& out, const std::map<std::string, counts, std::less<>>& by_kind) {
  for (auto [kind, name] : stat_names) {
    auto i = by_kind.find(kind);
    auto c = i == by_kind.end() ? counts{} : i->second;
    out.key(name).begin_object().member("total", c.total).member("users", c.users).end_object();
  }
}

std::optional<uint64_t> parse_etag(std::string_view tag) {
  if (tag.size() < 3 || tag.front() != '"' || tag.back() != '"')
    return std::nullopt;
  tag = tag.substr(1, tag.size() - 2);
  uint64_t revision = 0;
  auto [end, fault] = std::from_chars(tag.data(), tag.data() + tag.size(), revision);
  if (fault != std::errc{} || end != tag.data() + tag.size())
    return std::nullopt;
  return revision;
}

constexpr std::array<const char*, 3> shown_members{"revision", "created_at", "updated_at"};

/// The document without the members that only answers have, with its id, numbers as they came.
std::string stored_text(std::string_view text, const std::string& id) {
  std::string out;
  out.reserve(text.size() + id.size());
  json::writer w{out};
  w.begin_object();
  bool has_id = false;
  for (const auto& m : json::raw_members(text)) {
    const auto name = json::unquoted(m.name);
    if (std::find(shown_members.begin(), shown_members.end(), name) != shown_members.end())
      continue;
    if (name == "id" && m.value == "null") // as if it were left out
      continue;
    has_id = has_id || name == "id";
    w.key(name).raw(json::compacted(m.value));
  }
  if (!has_id)
    w.key("id").string(id);
  w.end_object();
  return out;
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t'))
    s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t'))
    s.remove_suffix(1);
  return s;
}

} // namespace

popup_document read_popup(json::document& doc, std::string_view text, std::optional<std::string_view> id,
                          json::field_errors& errors) {
  if (doc.IsObject())
    for (const char* shown : shown_members)
      doc.RemoveMember(shown);
  auto p = decision::parse_popup_text(doc, text, id, errors);
  if (p.id == "." || p.id == ".." || p.id.find('/') != std::string::npos)
    errors.push_back({"/id", "must not be '.' or '..' nor contain '/', because no path could name it"});
  decision::check_incoming_popup(doc, text, errors);
  if (!errors.empty())
    return {};
  return {p.id, stored_text(text, p.id)};
}

void write_popup(json::writer& out, const storage::popup_row& row) {
  out.reopen_object(row.document).member("revision", row.revision);
  out.key("created_at").time(row.created_ms).key("updated_at").time(row.updated_ms).end_object();
}

std::string etag(uint64_t revision) {
  return '"' + std::to_string(revision) + '"';
}

precondition read_if_match(const net::request& request) {
  precondition p;
  auto field = request.field("if-match");
  if (!field)
    return p;
  auto tag = trim(*field);
  if (tag == "*")
    p.any = true;
  else if (auto revision = parse_etag(tag))
    p.revision = revision;
  else
    p.bad = true;
  return p;
}

bool none_match_hits(const net::request& request, uint64_t revision) {
  auto field = request.field("if-none-match");
  if (!field)
    return false;
  auto rest = *field;
  while (!rest.empty()) {
    auto comma = rest.find(',');
    auto tag = trim(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    if (tag.substr(0, 2) == "W/") // If-None-Match uses weak comparison (RFC 9110, 13.1.2)
      tag.remove_prefix(2);
    if (tag == "*" || parse_etag(tag) == revision)
      return true;
  }
  return false;
}

std::string render_settings(const catalog_view& view) {
  return decision::to_json(view.compiled->config());
}

std::string render_stats(const std::string& popup, const std::vector<storage::stat_row>& rows) {
  std::map<std::string, counts, std::less<>> all;
  std::map<std::string, std::map<std::string, counts, std::less<>>> by_variant;
  for (const auto& row : rows) {
    auto& sum = all[row.kind];
    sum.total += row.total;
    sum.users += row.users;
    by_variant[row.variant][row.kind] = {row.total, row.users};
  }
  std::string out;
  json::writer w{out};
  w.begin_object().member("popup", popup);
  write_counts(w, all);
  w.key("variants").begin_object();
  for (const auto& [variant, kinds] : by_variant) {
    if (variant.empty())
      continue;
    w.key(variant).begin_object();
    write_counts(w, kinds);
    w.end_object();
  }
  w.end_object().end_object();
  return out;
}

} // namespace beckon::actors
