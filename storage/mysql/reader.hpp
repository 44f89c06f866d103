#pragma once

#include "storage/erased_events.hpp"
#include "storage/mysql/statement.hpp"
#include "storage/rows.hpp"

#include <string>
#include <vector>

namespace beckon::storage::mysql {

/// The reads of a session. load_catalog() sees one moment of the store. Elsewhere each statement sees its own
/// moment, never older than an earlier confirmed write. Throws failure. Used by one thread at a time.
class row_reader {
 public:
  explicit row_reader(connection& db);

  std::vector<user_row> load_users(const std::vector<std::string>& users);
  std::optional<std::string> load_answer(const std::string& user, const std::string& request_id,
                                         int64_t not_before_ms);
  std::vector<erasure_row> load_erasures(const std::string& after, uint32_t limit);
  catalog_rows load_catalog();
  uint64_t load_catalog_version();
  std::vector<stat_row> load_stats(const std::string& popup);
  event_page load_events(const event_filter& filter, const event_cursor& from, uint32_t limit);

 private:
  statement& choose(const event_filter& filter);
  erased_events load_erased(const event_filter& filter);
  values arguments(const event_filter& filter, const event_cursor& from, int64_t until_ms, size_t rows) const;

  connection& db_;
  key_batch load_states_;
  key_batch load_profiles_;
  statement load_answer_;
  statement load_erasures_;
  statement load_marks_;
  statement load_mark_;
  statement load_popups_;
  statement load_settings_;
  statement load_version_;
  statement load_stats_;
  statement all_events_;
  statement user_events_;
  statement popup_events_;
};

} // namespace beckon::storage::mysql
