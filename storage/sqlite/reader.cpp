#include "storage/sqlite/reader.hpp"

#include "storage/counters.hpp"
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
    : at_moment(
        db,
        ("SELECT seq, at, type, popup, id, received_at, name, user, variant, decision_id, properties FROM "
         "event WHERE "
         + where + " AND at = ?2 AND seq > ?3 ORDER BY at, seq")
            .c_str()),
      after(db, ("SELECT seq, at, type, popup, id, received_at, name, user, variant, decision_id, properties "
                 "FROM event "
                 "WHERE "
                 + where + " AND at > ?2 AND at < ?3 ORDER BY at, seq")
                    .c_str()) {}

row_reader::row_reader(const std::string& path, int64_t busy_timeout_ms)
    : db_(open_reading(path, busy_timeout_ms)),
      load_state_(db_, "SELECT state FROM user_state WHERE user = ?"),
      load_profile_(db_, "SELECT attributes FROM user_profile WHERE user = ?"),
      load_answer_(db_, "SELECT body FROM answer WHERE user = ? AND request_id = ? AND at >= ?"),
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
  rows r{load_answer_, user, request_id, not_before_ms};
  if (!r.next())
    return std::nullopt;
  return std::string{r.text(0)};
}

// -- catalogue ------------------------------------------------------------------------------------

catalog_rows row_reader::load_catalog() {
  transaction moment{db_, transaction::kind::read};
  catalog_rows out;
  out.version = load_catalog_version();
  for (rows r{load_popups_}; r.next();) {
    auto& p = out.popups.emplace_back();
    p.id = r.text(0);
    p.revision = static_cast<uint64_t>(r.integer(1));
    p.document = r.text(2);
    p.created_ms = r.integer(3);
    p.updated_ms = r.integer(4);
  }
  if (rows r{load_settings_}; r.next()) {
    out.settings = r.text(0);
    out.settings_revision = static_cast<uint64_t>(r.integer(1));
  }
  return out;
}

uint64_t row_reader::load_catalog_version() {
  rows r{load_version_};
  if (!r.next())
    throw failure(make_error(errc::corrupt, db_.path() + ": the row of table meta is gone; put back a copy"));
  return static_cast<uint64_t>(r.integer(0));
}

std::vector<stat_row> row_reader::load_stats(const std::string& popup) {
  std::vector<stat_row> out;
  for (rows r{load_stats_, popup}; r.next();) {
    auto kind = r.integer(1);
    if (kind < 0 || kind > counter_kind_max)
      throw failure(make_error(errc::corrupt, db_.path() + ": a counter of popup \"" + popup
                                                  + "\" has the kind " + std::to_string(kind)
                                                  + ", which this program does not know"));
    auto& s = out.emplace_back();
    s.variant = r.text(0);
    s.kind = to_string(static_cast<counter_kind>(kind));
    s.total = static_cast<uint64_t>(r.integer(2));
    s.users = static_cast<uint64_t>(r.integer(3));
  }
  std::sort(out.begin(), out.end(), listed_before);
  return out;
}

// -- events ---------------------------------------------------------------------------------------

namespace {

/// Column numbers of a listing; filtered columns come first.
enum column { seq, at, type, popup, id, received_at, name, user, variant, decision_id, properties };

event_row event_from(const rows& r, const std::string& path) {
  auto kind = r.integer(type);
  if (kind < 0 || kind >= static_cast<int64_t>(counter_kind::show))
    throw failure(make_error(errc::corrupt, path + ": event " + std::string{r.text(id)} + " has the type "
                                                + std::to_string(kind)
                                                + ", which this program does not know"));
  event_row e;
  e.id = r.text(id);
  e.type = event_type_of(static_cast<counter_kind>(kind));
  e.name = r.text(name);
  e.user = r.text(user);
  e.popup = r.text(popup);
  e.variant = r.text(variant);
  e.decision_id = r.text(decision_id);
  e.at_ms = r.integer(at);
  e.received_ms = r.integer(received_at);
  e.properties = r.text(properties);
  e.seq = r.integer(seq);
  return e;
}

bool passes(const rows& r, const event_filter& f) {
  if (f.type && r.integer(type) != static_cast<int64_t>(kind_of(*f.type)))
    return false;
  return f.popup.empty() || r.text(popup) == f.popup;
}

} // namespace

/// Fills one page. A page ends when it is full or has examined its share of rows: rare events of one type
/// cost many short pages, never one long one.
struct row_reader::page_in_making {
  const event_filter& filter;
  const std::string& path;
  size_t limit;
  size_t looks_left;
  event_page page;

  /// Whether the rows ended before the page.
  bool take(rows& r) {
    while (page.events.size() < limit && looks_left > 0) {
      if (!r.next())
        return true;
      --looks_left;
      page.next = {r.integer(at), r.integer(seq)};
      if (passes(r, filter))
        page.events.push_back(event_from(r, path));
    }
    return false;
  }
};

row_reader::listing& row_reader::choose(const event_filter& filter, std::string_view& key) {
  // A user has few events, so with a user the popup is compared row by row.
  if (!filter.user.empty()) {
    key = filter.user;
    return user_events_;
  }
  key = filter.popup;
  return filter.popup.empty() ? all_events_ : popup_events_;
}

event_page row_reader::load_events(const event_filter& filter, const event_cursor& from, uint32_t limit) {
  transaction moment{db_, transaction::kind::read};
  std::string_view key;
  auto& list = choose(filter, key);
  auto start = from;
  if (filter.since_ms && *filter.since_ms > start.at_ms)
    start = {*filter.since_ms, std::numeric_limits<int64_t>::min()};
  auto until = filter.until_ms.value_or(std::numeric_limits<int64_t>::max());
  page_in_making making{filter, db_.path(), limit, event_rows_looked_at(limit), {}};
  making.page.next = start;
  bool ended = start.at_ms >= until;
  if (!ended) {
    {
      rows r{list.at_moment, key, start.at_ms, start.seq};
      ended = making.take(r);
    }
    if (ended) {
      rows r{list.after, key, start.at_ms, until};
      ended = making.take(r);
    }
  }
  making.page.last = ended;
  return std::move(making.page);
}

} // namespace beckon::storage::sqlite
