#include "apps/beckon/commands/catalog_document.hpp"

#include "actors/api/popup_json.hpp"
#include "decision/catalog.hpp"
#include "decision/incoming.hpp"
#include "json/json.hpp"
#include "json/object_reader.hpp"
#include "json/raw_text.hpp"
#include "json/writer.hpp"

#include <algorithm>
#include <map>

namespace beckon::apps {

namespace {

/// The id of a popup, however wrong its other members are.
std::string_view id_of(const json::value& v) {
  if (!v.IsObject())
    return {};
  auto id = v.FindMember("id");
  return id != v.MemberEnd() && id->value.IsString() ? json::view(id->value) : std::string_view{};
}

/// "line 3, column 7 (byte 41)"; lines and columns count from 1, a column is a byte.
std::string place_of(std::string_view text, size_t offset) {
  auto before = text.substr(0, offset);
  auto line = std::count(before.begin(), before.end(), '\n') + 1;
  auto begin = before.rfind('\n');
  auto column = before.size() - (begin == std::string_view::npos ? 0 : begin + 1) + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(column) + " (byte "
         + std::to_string(offset) + ')';
}

class document_reader {
 public:
  explicit document_reader(std::vector<std::string>& problems) : problems_(problems) {}

  catalog_document read(std::string_view text) {
    json::document doc;
    if (auto bad = json::parse(text, doc)) {
      problems_.push_back(place_of(text, bad->offset) + ": " + bad->detail);
      return {};
    }
    if (doc.IsArray())
      popups(doc, text, "");
    else
      whole(doc, text);
    return std::move(result_);
  }

 private:
  void add(const json::field_errors& errors, const std::string& prefix, const std::string& about) {
    for (const auto& e : errors)
      problems_.emplace_back(prefix).append(e.pointer).append(about).append(": ").append(e.detail);
  }

  void whole(const json::value& v, std::string_view text) {
    json::field_errors errors;
    json::path root;
    json::object_reader in{v, root, errors};
    const auto* settings_value = in.member("settings");
    const auto* list = in.array("popups", 0, static_cast<size_t>(-1));
    (void)in.member("catalog_version"); // part of the answer of GET /v1/popups, which is accepted here
    in.finish();
    add(errors, "", "");
    if (settings_value)
      settings(*settings_value);
    if (list)
      popups(*list, json::raw_value(text, "popups"), "/popups");
  }

  void settings(const json::value& v) {
    json::field_errors errors;
    (void)decision::parse_settings(v, errors);
    decision::check_incoming_settings(v, errors);
    add(errors, "/settings", "");
    result_.settings = json::to_string(v);
  }

  void popups(const json::value& list, std::string_view text, const std::string& pointer) {
    const auto texts = json::raw_elements(text);
    std::map<std::string, rapidjson::SizeType> places;
    for (rapidjson::SizeType i = 0; i < list.Size(); ++i) {
      auto here = pointer + '/' + std::to_string(i);
      json::field_errors errors;
      json::document copy;
      copy.CopyFrom(list[i], copy.GetAllocator());
      auto id = id_of(list[i]);
      auto popup = actors::read_popup(copy, texts[i], std::nullopt, errors);
      add(errors, here, id.empty() ? "" : " (popup " + json::clipped(id) + ')');
      if (!errors.empty())
        continue;
      if (auto [first, is_new] = places.emplace(popup.id, i); is_new)
        result_.popups.push_back({popup.id, std::move(popup.text)});
      else
        problems_.emplace_back(here)
            .append("/id (popup ")
            .append(json::clipped(popup.id))
            .append("): stands also in ")
            .append(pointer + '/' + std::to_string(first->second))
            .append("; keep one of them");
    }
  }

  std::vector<std::string>& problems_;
  catalog_document result_;
};

/// Whether two JSON texts mean the same.
bool same(const std::string& a, const std::string& b) {
  if (a == b)
    return true;
  json::document left;
  json::document right;
  return !json::parse(a, left) && !json::parse(b, right) && left == right;
}

/// The settings of a document; what it leaves out is as in `base`.
decision::settings settings_in(const std::string& document, const decision::settings& base) {
  json::document doc;
  json::field_errors errors;
  if (document.empty() || json::parse(document, doc))
    return base;
  return decision::parse_settings(doc, errors, base);
}

} // namespace

catalog_document read_catalog_document(std::string_view text, std::vector<std::string>& problems) {
  return document_reader{problems}.read(text);
}

catalog_changes changes_of(const catalog_document& wanted, const storage::catalog_rows& present) {
  catalog_changes result;
  if (wanted.settings) {
    auto stored = settings_in(present.settings, {});
    auto after = decision::to_json(settings_in(*wanted.settings, stored));
    if (after == decision::to_json(stored))
      result.settings_unchanged = true;
    else
      result.settings = std::move(after);
  }
  const auto& rows = present.popups;
  for (const auto& popup : wanted.popups) {
    auto row = std::lower_bound(rows.begin(), rows.end(), popup.id,
                                [](const auto& r, const auto& id) { return r.id < id; });
    bool is_known = row != rows.end() && row->id == popup.id;
    if (is_known && same(row->document, popup.document)) {
      ++result.popups_unchanged;
      continue;
    }
    result.popups.push_back(&popup);
    result.added += is_known ? 0 : 1;
  }
  return result;
}

std::string in_words(size_t popups, bool settings, const char* nothing) {
  std::string result;
  if (popups != 0)
    result = std::to_string(popups) + (popups == 1 ? " popup" : " popups");
  if (settings)
    result += result.empty() ? "the settings" : " and the settings";
  return result.empty() ? nothing : result;
}

std::string write_catalog_document(const storage::catalog_rows& rows) {
  std::string out;
  json::writer w{out};
  w.begin_object().key("settings").space(" ").raw(decision::to_json(settings_in(rows.settings, {})));
  w.space("\n ").key("popups").space(" ").begin_array();
  for (const auto& row : rows.popups)
    w.space("\n  ").raw(row.document);
  w.end_array(rows.popups.empty() ? "" : "\n ").end_object();
  out += '\n';
  return out;
}

} // namespace beckon::apps
