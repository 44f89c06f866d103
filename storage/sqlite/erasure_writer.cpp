#include "storage/sqlite/erasure_writer.hpp"

#include <limits>
#include <vector>

namespace beckon::storage::sqlite {

erasure_writer::erasure_writer(connection& db)
    : find_mark_(db, "SELECT last_seq, from_at, from_seq FROM erasure WHERE user = ?"),
      put_mark_(db, "INSERT INTO erasure(user, shard, begun_at, last_seq, from_at, from_seq) "
                    "VALUES(?, ?, ?, ?, ?, ?) "
                    "ON CONFLICT(user) DO UPDATE SET begun_at = excluded.begun_at, "
                    "last_seq = excluded.last_seq, from_at = excluded.from_at, from_seq = excluded.from_seq"),
      move_mark_(db, "UPDATE erasure SET from_at = ?, from_seq = ? WHERE user = ?"),
      erase_mark_(db, "DELETE FROM erasure WHERE user = ?"),
      next_events_(db, "SELECT seq, at FROM event WHERE user = ?1 AND at >= ?2 AND (at > ?2 OR seq > ?3) "
                       "ORDER BY at, seq LIMIT ?4"),
      erase_event_(db, "DELETE FROM event WHERE seq = ?") {}

write_outcome erasure_writer::begin(const user_erase& job, int64_t last_seq, bool found) {
  constexpr place start{std::numeric_limits<int64_t>::min(), 0};
  write_outcome out;
  if (rows{find_mark_, job.user}.next()) {
    // Which of the events came since the last time is not worth a search: all of them go, from the start.
    mark(job, last_seq, start);
    out.more = true;
    return out;
  }
  auto deleted = delete_events(job.user, start, last_seq, job.limit);
  if (deleted.seen == job.limit) {
    mark(job, last_seq, deleted.last);
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
    rows r{find_mark_, job.user};
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
  std::vector<int64_t> old;
  {
    rows r{next_events_, user, from.at_ms, from.seq, limit};
    while (r.next()) {
      ++out.seen;
      out.last = {r.integer(1), r.integer(0)};
      if (out.last.seq <= last_seq)
        old.push_back(out.last.seq);
    }
  }
  for (auto seq : old)
    erase_event_.run(seq);
  out.deleted = static_cast<uint32_t>(old.size());
  return out;
}

void erasure_writer::mark(const user_erase& job, int64_t last_seq, place from) {
  put_mark_.run(job.user, job.shard, job.at_ms, last_seq, from.at_ms, from.seq);
}

} // namespace beckon::storage::sqlite
