#pragma once

#include "storage/counters.hpp"
#include "storage/erased_events.hpp"
#include "storage/rows.hpp"
#include "storage/store.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// What the SQL stores do with the rows of their reads; each has its own statements. `Rows` is such a store's
/// class: Rows(statement, arguments...), next(), integer(column), text(column). `Db` is its connection:
/// corrupt(what) throws.
namespace beckon::storage::sql {

/// The first column of the first row.
template <class Rows, class Statement, class... Ts>
std::optional<std::string> first_text(Statement& statement, const Ts&... arguments) {
  Rows r{statement, arguments...};
  return r.next() ? std::optional{std::string{r.text(0)}} : std::nullopt;
}

/// `popups`: id, revision, document, created_at, updated_at by id; `settings`: document, revision.
template <class Rows, class Statement>
catalog_rows read_catalog(uint64_t version, Statement& popups, Statement& settings) {
  catalog_rows out;
  out.version = version;
  for (Rows r{popups}; r.next();) {
    auto& p = out.popups.emplace_back();
    p.id = r.text(0);
    p.revision = static_cast<uint64_t>(r.integer(1));
    p.document = r.text(2);
    p.created_ms = r.integer(3);
    p.updated_ms = r.integer(4);
  }
  if (Rows r{settings}; r.next()) {
    out.settings = r.text(0);
    out.settings_revision = static_cast<uint64_t>(r.integer(1));
  }
  return out;
}

/// `version`: the catalogue's, from the one row of the table.
template <class Rows, class Db, class Statement>
uint64_t read_version(const Db& db, Statement& version) {
  Rows r{version};
  if (!r.next())
    db.corrupt("the row with the catalogue's version is gone; put back a copy");
  return static_cast<uint64_t>(r.integer(0));
}

/// `stats`: variant, kind, total, users of a popup.
template <class Rows, class Db, class Statement>
std::vector<stat_row> read_stats(const Db& db, Statement& stats, const std::string& popup) {
  std::vector<stat_row> out;
  for (Rows r{stats, popup}; r.next();) {
    auto kind = r.integer(1);
    if (kind < 0 || kind > counter_kind_max)
      db.corrupt("a counter of popup '" + popup + "' has the kind " + std::to_string(kind)
                 + ", which this program does not know");
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

/// The columns of a listing of events; what is filtered comes first.
constexpr const char* event_columns =
    "seq, at, type, popup, id, received_at, name, user, variant, decision_id, properties";
namespace column {
enum : int { seq, at, type, popup, id, received_at, name, user, variant, decision_id, properties };
}

template <class Rows, class Db>
event_row event_from(const Db& db, const Rows& r) {
  auto kind = r.integer(column::type);
  if (kind < 0 || kind >= static_cast<int64_t>(counter_kind::show))
    db.corrupt("event " + std::string{r.text(column::id)} + " has the type " + std::to_string(kind)
               + ", which this program does not know");
  event_row e;
  e.id = r.text(column::id);
  e.type = event_type_of(static_cast<counter_kind>(kind));
  e.name = r.text(column::name);
  e.user = r.text(column::user);
  e.popup = r.text(column::popup);
  e.variant = r.text(column::variant);
  e.decision_id = r.text(column::decision_id);
  e.at_ms = r.integer(column::at);
  e.received_ms = r.integer(column::received_at);
  e.properties = r.text(column::properties);
  e.seq = r.integer(column::seq);
  return e;
}

/// What rows of (user, last_seq) say is erased. To be asked before the events: a mark that goes meanwhile has
/// none left.
template <class Rows>
erased_events erased_in(Rows& marks) {
  erased_events out;
  while (marks.next())
    out.add(marks.text(0), marks.integer(1));
  return out;
}

/// From rows of (user, shard, begun_at).
template <class Rows>
std::vector<erasure_row> erasures_in(Rows& r) {
  std::vector<erasure_row> out;
  while (r.next())
    out.push_back({std::string{r.text(0)}, static_cast<uint16_t>(r.integer(1)), r.integer(2)});
  return out;
}

/// Fills one page from rows in the order of (at, seq). A page ends when it is full or when it has looked at
/// its share of rows, whatever comes first: rare events of one type cost many short pages, never one long
/// one.
template <class Rows, class Db>
class page_in_making {
 public:
  page_in_making(const Db& db, const event_filter& filter, const erased_events& erased,
                 const event_cursor& from, uint32_t limit)
      : db_(db), filter_(filter), erased_(erased), limit_(limit), looks_left_(event_rows_looked_at(limit)) {
    page.next = from;
    if (filter.since_ms && *filter.since_ms > from.at_ms)
      page.next = {*filter.since_ms, std::numeric_limits<int64_t>::min()};
  }

  bool full() const { return page.events.size() >= limit_ || looks_left_ == 0; }
  size_t wanted() const { return limit_ - page.events.size(); }
  size_t looks_left() const { return looks_left_; }
  int64_t until_ms() const { return filter_.until_ms.value_or(std::numeric_limits<int64_t>::max()); }

  /// Whether there were fewer rows than were asked for, and so there are no more.
  bool take(Rows& r, size_t asked = std::numeric_limits<size_t>::max()) {
    for (size_t seen = 0; !full(); ++seen) {
      if (!r.next())
        return seen < asked;
      --looks_left_;
      page.next = {r.integer(column::at), r.integer(column::seq)};
      if (passes(r) && !erased_.contain(r.text(column::user), page.next.seq))
        page.events.push_back(event_from(db_, r));
    }
    return false;
  }

  event_page page;

 private:
  bool passes(const Rows& r) const {
    if (filter_.type && r.integer(column::type) != static_cast<int64_t>(kind_of(*filter_.type)))
      return false;
    return filter_.popup.empty() || r.text(column::popup) == filter_.popup;
  }

  const Db& db_;
  const event_filter& filter_;
  const erased_events& erased_;
  size_t limit_;
  size_t looks_left_;
};

} // namespace beckon::storage::sql
