#include "storage/mysql/erasure_writer.hpp"

#include <limits>

namespace beckon::storage::mysql {

// The index is forced: it ends in seq, so nothing is sorted, and no more rows are looked at, or locked, than
// are asked for.
erasure_writer::erasure_writer(connection& db)
    : find_mark_(db, "SELECT 1 FROM erasure WHERE user = ?"),
      lock_mark_(db, "SELECT last_seq, from_at, from_seq FROM erasure WHERE user = ? FOR UPDATE"),
      last_event_(db, "SELECT COALESCE(MAX(seq), 0) FROM event"),
      put_mark_(db, "INSERT INTO erasure(user, shard, begun_at, last_seq, from_at, from_seq) "
                    "VALUES(?, ?, ?, ?, ?, ?) "
                    "ON DUPLICATE KEY UPDATE begun_at = VALUES(begun_at), "
                    "last_seq = GREATEST(last_seq, VALUES(last_seq)), from_at = VALUES(from_at), "
                    "from_seq = VALUES(from_seq)"),
      move_mark_(db, "UPDATE erasure SET from_at = ?, from_seq = ? WHERE user = ?"),
      erase_mark_(db, "DELETE FROM erasure WHERE user = ?"),
      next_events_(db, "SELECT seq, at FROM event FORCE INDEX(event_by_user) "
                       "WHERE user = ? AND (at > ? OR (at = ? AND seq > ?)) ORDER BY at, seq LIMIT ?"),
      erase_events_(db, "DELETE e FROM event AS e FORCE INDEX(event_by_user) "
                        "WHERE e.user = ? AND e.seq <= ? AND e.at BETWEEN ? AND ? "
                        "AND (e.at > ? OR e.seq > ?) AND (e.at < ? OR e.seq <= ?)") {}

write_outcome erasure_writer::begin(const user_erase& job, bool found) {
  constexpr place start{std::numeric_limits<int64_t>::min(), 0};
  write_outcome out;
  if (rows{find_mark_, job.user}.next()) {
    // Which of the events came since the last time is not worth a search: all of them go, from the start.
    mark(job, start);
    out.more = true;
    return out;
  }
  auto deleted = delete_events(job.user, start, std::numeric_limits<int64_t>::max(), job.limit);
  if (deleted.seen == job.limit) {
    mark(job, deleted.last);
    out.more = true;
  }
  out.status = found || deleted.seen > 0 ? write_status::done : write_status::not_found;
  return out;
}

write_outcome erasure_writer::apply(const erase_piece& job) {
  write_outcome out;
  place from;
  int64_t last_seq = 0;
  {
    rows r{lock_mark_, job.user};
    if (!r.next()) {
      out.status = write_status::not_found;
      return out;
    }
    last_seq = r.integer(0);
    from = {r.integer(1), r.integer(2)};
  }
  auto deleted = delete_events(job.user, from, last_seq, job.limit);
  out.affected = deleted.deleted;
  out.more = deleted.seen == job.limit;
  if (out.more)
    move_mark_.run(deleted.last.at_ms, deleted.last.seq, job.user);
  else
    erase_mark_.run(job.user);
  return out;
}

/// Looks at the next events of the user, in order of (at, seq), and deletes those up to `last_seq`.
erasure_writer::looked_at erasure_writer::delete_events(const std::string& user, place from, int64_t last_seq,
                                                        uint32_t limit) {
  looked_at out;
  out.last = from;
  {
    rows r{next_events_, user, from.at_ms, from.at_ms, from.seq, limit};
    while (r.next()) {
      ++out.seen;
      out.last = {r.integer(1), r.integer(0)};
    }
  }
  if (out.seen > 0)
    out.deleted = static_cast<uint32_t>(erase_events_.run(
        user, last_seq, from.at_ms, out.last.at_ms, from.at_ms, from.seq, out.last.at_ms, out.last.seq));
  return out;
}

void erasure_writer::mark(const user_erase& job, place from) {
  int64_t last_seq = 0;
  {
    rows r{last_event_};
    if (r.next())
      last_seq = r.integer(0);
  }
  put_mark_.run(job.user, job.shard, job.at_ms, last_seq, from.at_ms, from.seq);
}

} // namespace beckon::storage::mysql
