#pragma once

#include "storage/rows.hpp"
#include "storage/sqlite/connection.hpp"

#include <cstdint>
#include <string>

namespace beckon::storage::sqlite {

/// Deletes the events of erased users piece by piece, and keeps the marks of those who have more; in the
/// transaction of the job_writer. Throws failure. Used by one thread at a time.
class erasure_writer {
 public:
  explicit erasure_writer(connection& db);

  /// What is left of user_erase when all but the events is gone; `found`: there was something. `last_seq` is
  /// no smaller than the number of any event stored, and those that come get larger ones.
  write_outcome begin(const user_erase& job, int64_t last_seq, bool found);
  write_outcome apply(const erase_piece& job);

 private:
  struct place {
    int64_t at_ms = 0;
    int64_t seq = 0;
  };
  struct looked_at {
    uint32_t seen = 0;
    uint32_t deleted = 0;
    place last;
  };
  looked_at delete_events(const std::string& user, place from, int64_t last_seq, uint32_t limit);
  void mark(const user_erase& job, int64_t last_seq, place from);

  statement find_mark_;
  statement put_mark_;
  statement move_mark_;
  statement erase_mark_;
  statement next_events_;
  statement erase_event_;
};

} // namespace beckon::storage::sqlite
