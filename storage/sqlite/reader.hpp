#pragma once

#include "storage/erased_events.hpp"
#include "storage/rows.hpp"
#include "storage/sqlite/connection.hpp"

#include <string>
#include <vector>

namespace beckon::storage::sqlite {

/// The reads of a session on its own read-only connection. Each call sees one moment of the store and holds
/// it only while it runs, so that the WAL can restart. Throws failure. Used by one thread at a time.
class row_reader {
 public:
  row_reader(const std::string& path, int64_t busy_timeout_ms);

  std::vector<user_row> load_users(const std::vector<std::string>& users);
  std::optional<std::string> load_answer(const std::string& user, const std::string& request_id,
                                         int64_t not_before_ms);
  std::vector<erasure_row> load_erasures(const std::string& after, uint32_t limit);
  catalog_rows load_catalog();
  uint64_t load_catalog_version();
  std::vector<stat_row> load_stats(const std::string& popup);
  event_page load_events(const event_filter& filter, const event_cursor& from, uint32_t limit);

 private:
  /// One order of events: those at the cursor's moment, then those after it.
  struct listing {
    statement at_moment;
    statement after;
    listing(connection& db, const std::string& where);
  };
  listing& choose(const event_filter& filter, std::string_view& key);
  erased_events load_erased(const event_filter& filter);

  connection db_;
  statement load_state_;
  statement load_profile_;
  statement load_answer_;
  statement load_erasures_;
  statement load_marks_;
  statement load_mark_;
  statement load_popups_;
  statement load_settings_;
  statement load_version_;
  statement load_stats_;
  listing all_events_;
  listing user_events_;
  listing popup_events_;
};

} // namespace beckon::storage::sqlite
