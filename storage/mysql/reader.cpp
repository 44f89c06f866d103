#include "storage/mysql/reader.hpp"

#include "storage/counters.hpp"
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
  return std::string{"SELECT seq, at, type, popup, id, received_at, name, user, variant, decision_id, "
                     "properties FROM event FORCE INDEX("}
         + index + ") WHERE " + whose
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
  rows r{load_answer_, user, request_id, not_before_ms};
  if (!r.next())
    return std::nullopt;
  return std::string{r.text(0)};
}

// -- catalogue ------------------------------------------------------------------------------------

catalog_rows row_reader::load_catalog() {
  transaction moment{db_, transaction::kind::snapshot};
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
    throw failure(
        make_error(errc::corrupt, db_.name() + ": the row of table beckon_meta is gone; put back a copy"),
        consequence::none);
  return static_cast<uint64_t>(r.integer(0));
}

std::vector<stat_row> row_reader::load_stats(const std::string& popup) {
  std::vector<stat_row> out;
  for (rows r{load_stats_, popup}; r.next();) {
    auto kind = r.integer(1);
    if (kind < 0 || kind > counter_kind_max)
      throw failure(make_error(errc::corrupt, db_.name() + ": a counter of popup \"" + popup
                                                  + "\" has the kind " + std::to_string(kind)
                                                  + ", which this program does not know"),
                    consequence::none);
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

/// A piece of a page has at least this many rows, so that a rare kind of event does not cost a round trip
/// each.
constexpr size_t piece_rows_min = 256;

event_row event_from(const rows& r, const connection& db) {
  auto kind = r.integer(type);
  if (kind < 0 || kind >= static_cast<int64_t>(counter_kind::show))
    throw failure(make_error(errc::corrupt, db.name() + ": event " + std::string{r.text(id)}
                                                + " has the type " + std::to_string(kind)
                                                + ", which this program does not know"),
                  consequence::none);
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

/// Whether rows of the chosen listing may fail the filter.
bool sieves(const event_filter& f) {
  return f.type.has_value() || (!f.user.empty() && !f.popup.empty());
}

} // namespace

/// Fills one page, piece by piece. A page ends when it is full or has examined its share of rows: rare events
/// of one type cost many short pages, never one long one.
struct row_reader::page_in_making {
  const event_filter& filter;
  const connection& db;
  size_t limit;
  size_t looks_left;
  event_page page;

  bool full() const { return page.events.size() == limit || looks_left == 0; }

  size_t piece_rows() const {
    auto wanted = limit - page.events.size();
    return std::min(looks_left, sieves(filter) ? std::max(wanted, piece_rows_min) : wanted);
  }

  /// Whether the rows ended before the page.
  bool take(rows& r, size_t asked) {
    for (size_t seen = 0; !full(); ++seen) {
      if (!r.next())
        return seen < asked;
      --looks_left;
      page.next = {r.integer(at), r.integer(seq)};
      if (passes(r, filter))
        page.events.push_back(event_from(r, db));
    }
    return false;
  }
};

statement& row_reader::choose(const event_filter& filter) {
  // A user has few events, so with a user the popup is compared row by row.
  if (!filter.user.empty())
    return user_events_;
  return filter.popup.empty() ? all_events_ : popup_events_;
}

values row_reader::arguments(const event_filter& filter, const event_cursor& from, size_t rows) const {
  values out;
  if (!filter.user.empty())
    out.emplace_back(filter.user);
  else if (!filter.popup.empty())
    out.emplace_back(filter.popup);
  auto until = filter.until_ms.value_or(std::numeric_limits<int64_t>::max());
  out.insert(out.end(), {value(until), value(from.at_ms), value(from.at_ms), value(from.seq), value(rows)});
  return out;
}

event_page row_reader::load_events(const event_filter& filter, const event_cursor& from, uint32_t limit) {
  auto& list = choose(filter);
  page_in_making making{filter, db_, limit, event_rows_looked_at(limit), {}};
  auto& page = making.page;
  page.next = from;
  if (filter.since_ms && *filter.since_ms > from.at_ms)
    page.next = {*filter.since_ms, std::numeric_limits<int64_t>::min()};
  while (!page.last && !making.full()) {
    auto asked = making.piece_rows();
    rows r{list, arguments(filter, page.next, asked)};
    page.last = making.take(r, asked);
  }
  return std::move(page);
}

} // namespace beckon::storage::mysql
