#include "storage/mysql/reader.hpp"

#include "storage/sql_reads.hpp"
#include "storage/store.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <unordered_map>
#include <utility>

namespace beckon::storage::mysql {

namespace {

/// The events of one order after a cursor. The index ends with seq, so nothing is sorted.
std::string listing(const char* index, const char* whose) {
  return std::string{"SELECT "} + sql::event_columns + " FROM event FORCE INDEX(" + index + ") WHERE " + whose
         + "at < ? AND (at > ? OR (at = ? AND seq > ?)) ORDER BY at, seq LIMIT ?";
}

} // namespace

row_reader::row_reader(connection& db)
    : db_(db),
      load_states_(db, "SELECT user, state FROM user_state FORCE INDEX(PRIMARY) WHERE user IN (", "?", ", ",
                   ")"),
      load_profiles_(db, "SELECT user, attributes FROM user_profile FORCE INDEX(PRIMARY) WHERE user IN (",
                     "?", ", ", ")"),
      load_answer_(db, "SELECT body FROM answer WHERE user = ? AND request_id = ? AND at >= ?"),
      load_erasures_(db, "SELECT user, shard, begun_at FROM erasure WHERE user > ? ORDER BY user LIMIT ?"),
      load_marks_(db, "SELECT user, last_seq FROM erasure"),
      load_mark_(db, "SELECT user, last_seq FROM erasure WHERE user = ?"),
      load_popups_(db, "SELECT id, revision, document, created_at, updated_at FROM popup "
                       "WHERE document IS NOT NULL ORDER BY id"),
      load_settings_(db, "SELECT document, revision FROM settings WHERE one = 1"),
      load_version_(db, "SELECT catalog_version FROM beckon_meta WHERE one = 1"),
      load_stats_(db,
                  "SELECT variant, kind, CAST(SUM(total) AS SIGNED), CAST(SUM(users) AS SIGNED) FROM stat "
                  "WHERE popup = ? GROUP BY variant, kind HAVING SUM(total) > 0"),
      all_events_(db, listing("event_by_at", "")),
      user_events_(db, listing("event_by_user", "user = ? AND ")),
      popup_events_(db, listing("event_by_popup", "popup = ? AND ")) {}

// -- users ----------------------------------------------------------------------------------------

std::vector<user_row> row_reader::load_users(const std::vector<std::string>& users) {
  std::vector<user_row> out;
  out.reserve(users.size());
  std::unordered_map<std::string_view, std::pair<std::string, std::string>> found; // state, attributes
  values keys;
  for (const auto& user : users)
    if (found.try_emplace(user).second)
      keys.emplace_back(user);
  load_states_.run(keys, [&](const rows& r) { found.at(r.text(0)).first = r.text(1); });
  load_profiles_.run(keys, [&](const rows& r) { found.at(r.text(0)).second = r.text(1); });
  for (const auto& user : users) {
    const auto& [state, attributes] = found.at(user);
    out.push_back({user, state, attributes});
  }
  return out;
}

std::optional<std::string> row_reader::load_answer(const std::string& user, const std::string& request_id,
                                                   int64_t not_before_ms) {
  return sql::first_text<rows>(load_answer_, user, request_id, not_before_ms);
}

std::vector<erasure_row> row_reader::load_erasures(const std::string& after, uint32_t limit) {
  rows r{load_erasures_, after, limit};
  return sql::erasures_in(r);
}

// -- catalogue ------------------------------------------------------------------------------------

catalog_rows row_reader::load_catalog() {
  transaction moment{db_, transaction::kind::snapshot};
  return sql::read_catalog<rows>(load_catalog_version(), load_popups_, load_settings_);
}

uint64_t row_reader::load_catalog_version() {
  return sql::read_version<rows>(db_, load_version_);
}

std::vector<stat_row> row_reader::load_stats(const std::string& popup) {
  return sql::read_stats<rows>(db_, load_stats_, popup);
}

// -- events ---------------------------------------------------------------------------------------

namespace {

/// A piece of a page has at least so many rows, so that a rare kind of event does not cost a round trip each.
constexpr size_t piece_rows_min = 256;

/// Whether rows of the listing that is chosen for it may fail the filter.
bool sieves(const event_filter& f) {
  return f.type.has_value() || (!f.user.empty() && !f.popup.empty());
}

} // namespace

statement& row_reader::choose(const event_filter& filter) {
  // A user has few events, so with a user the popup is compared row by row.
  if (!filter.user.empty())
    return user_events_;
  return filter.popup.empty() ? all_events_ : popup_events_;
}

values row_reader::arguments(const event_filter& filter, const event_cursor& from, int64_t until_ms,
                             size_t rows) const {
  values out;
  if (!filter.user.empty())
    out.emplace_back(filter.user);
  else if (!filter.popup.empty())
    out.emplace_back(filter.popup);
  out.insert(out.end(),
             {value(until_ms), value(from.at_ms), value(from.at_ms), value(from.seq), value(rows)});
  return out;
}

erased_events row_reader::load_erased(const event_filter& filter) {
  if (filter.user.empty()) {
    rows all{load_marks_};
    return sql::erased_in(all);
  }
  rows one{load_mark_, filter.user};
  return sql::erased_in(one);
}

event_page row_reader::load_events(const event_filter& filter, const event_cursor& from, uint32_t limit) {
  auto& list = choose(filter);
  const auto erased = load_erased(filter);
  sql::page_in_making<rows, connection> making{db_, filter, erased, from, limit};
  auto& page = making.page;
  while (!page.last && !making.full()) {
    auto wanted =
        sieves(filter) || !erased.none() ? std::max(making.wanted(), piece_rows_min) : making.wanted();
    auto asked = std::min(making.looks_left(), wanted);
    rows r{list, arguments(filter, page.next, making.until_ms(), asked)};
    page.last = making.take(r, asked);
  }
  return std::move(page);
}

} // namespace beckon::storage::mysql
