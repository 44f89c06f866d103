#include "storage/sqlite/reader.hpp"

#include "storage/sql_reads.hpp"
#include "storage/store.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

namespace beckon::storage::sqlite {

namespace {

constexpr int64_t reader_cache_kib = 8192;

connection open_reading(const std::string& path, int64_t busy_timeout_ms) {
  connection db{path, access::read_only, busy_timeout_ms};
  db.execute("PRAGMA query_only = 1");
  db.execute("PRAGMA cache_size = -" + std::to_string(reader_cache_kib));
  return db;
}

} // namespace

row_reader::listing::listing(connection& db, const std::string& where)
    : at_moment(db, (std::string{"SELECT "} + sql::event_columns + " FROM event WHERE " + where
                     + " AND at = ?2 AND seq > ?3 ORDER BY at, seq")
                        .c_str()),
      after(db, (std::string{"SELECT "} + sql::event_columns + " FROM event WHERE " + where
                 + " AND at > ?2 AND at < ?3 ORDER BY at, seq")
                    .c_str()) {}

row_reader::row_reader(const std::string& path, int64_t busy_timeout_ms)
    : db_(open_reading(path, busy_timeout_ms)),
      load_state_(db_, "SELECT state FROM user_state WHERE user = ?"),
      load_profile_(db_, "SELECT attributes FROM user_profile WHERE user = ?"),
      load_answer_(db_, "SELECT body FROM answer WHERE user = ? AND request_id = ? AND at >= ?"),
      load_erasures_(db_, "SELECT user, shard, begun_at FROM erasure WHERE user > ? ORDER BY user LIMIT ?"),
      load_marks_(db_, "SELECT user, last_seq FROM erasure"),
      load_mark_(db_, "SELECT user, last_seq FROM erasure WHERE user = ?"),
      load_popups_(db_, "SELECT id, revision, document, created_at, updated_at FROM popup "
                        "WHERE document IS NOT NULL ORDER BY id"),
      load_settings_(db_, "SELECT document, revision FROM settings"),
      load_version_(db_, "SELECT catalog_version FROM meta"),
      load_stats_(db_, "SELECT variant, kind, total, users FROM stat WHERE popup = ? AND total > 0"),
      all_events_(db_, "?1 = ''"),
      user_events_(db_, "user = ?1"),
      popup_events_(db_, "popup = ?1 AND popup <> ''") {}

// -- users ----------------------------------------------------------------------------------------

std::vector<user_row> row_reader::load_users(const std::vector<std::string>& users) {
  transaction moment{db_, transaction::kind::read};
  std::vector<user_row> out;
  out.reserve(users.size());
  for (const auto& user : users) {
    auto& row = out.emplace_back();
    row.user = user;
    if (rows r{load_state_, user}; r.next())
      row.state = r.text(0);
    if (rows r{load_profile_, user}; r.next())
      row.attributes = r.text(0);
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
  transaction moment{db_, transaction::kind::read};
  return sql::read_catalog<rows>(load_catalog_version(), load_popups_, load_settings_);
}

uint64_t row_reader::load_catalog_version() {
  return sql::read_version<rows>(db_, load_version_);
}

std::vector<stat_row> row_reader::load_stats(const std::string& popup) {
  return sql::read_stats<rows>(db_, load_stats_, popup);
}

// -- events ---------------------------------------------------------------------------------------

row_reader::listing& row_reader::choose(const event_filter& filter, std::string_view& key) {
  // A user has few events, so with a user the popup is compared row by row.
  if (!filter.user.empty()) {
    key = filter.user;
    return user_events_;
  }
  key = filter.popup;
  return filter.popup.empty() ? all_events_ : popup_events_;
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
  transaction moment{db_, transaction::kind::read};
  std::string_view key;
  auto& list = choose(filter, key);
  const auto erased = load_erased(filter);
  sql::page_in_making<rows, connection> making{db_, filter, erased, from, limit};
  auto& page = making.page;
  const auto start = page.next;
  page.last = start.at_ms >= making.until_ms();
  if (page.last)
    return std::move(page);
  {
    rows r{list.at_moment, key, start.at_ms, start.seq};
    page.last = making.take(r);
  }
  if (page.last) {
    rows r{list.after, key, start.at_ms, making.until_ms()};
    page.last = making.take(r);
  }
  return std::move(page);
}

} // namespace beckon::storage::sqlite
