#include "storage/sqlite_checkpointer.hpp"

#include <algorithm>
#include <utility>

namespace beckon::storage::sqlite {

namespace {

/// What the writer may copy by itself: a matter of a millisecond or two.
constexpr int64_t rest_pages_max = 256;
/// The bulk is copied at most this often before the writer is asked to end the matter.
constexpr int passes_max = 4;

} // namespace

checkpointer::checkpointer(const std::string& path, int64_t start_pages,
                           std::function<void(const caf::error&)> on_failure)
    : start_pages_(std::max<int64_t>(start_pages, 1)),
      on_failure_(std::move(on_failure)),
      db_(path, access::read_write, 0) {
  db_.execute("PRAGMA synchronous = FULL");
  db_.execute("PRAGMA wal_autocheckpoint = 0");
  db_.leave_untouched_on_close(); // that is for the writer, which closes last
  thread_ = std::thread{[this] { run(); }};
}

checkpointer::~checkpointer() {
  {
    std::lock_guard<std::mutex> guard{mutex_};
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void checkpointer::watch(connection& writer) {
  sqlite3_wal_hook(writer.raw(), &checkpointer::on_commit, this);
}

int checkpointer::on_commit(void* self, sqlite3*, const char*, int pages_in_wal) {
  auto& c = *static_cast<checkpointer*>(self);
  c.pages_in_wal_ = pages_in_wal;
  if (pages_in_wal < c.start_pages_ || c.running_ || c.bulk_copied_)
    return SQLITE_OK;
  {
    std::lock_guard<std::mutex> guard{c.mutex_};
    c.due_ = true;
  }
  c.wake_.notify_one();
  return SQLITE_OK;
}

void checkpointer::finish_if_due(connection& writer) {
  if (pages_in_wal_ >= start_pages_ * hard_factor) {
    checkpoint(writer, SQLITE_CHECKPOINT_RESTART);
    return;
  }
  if (bulk_copied_ && checkpoint(writer, SQLITE_CHECKPOINT_PASSIVE) >= 0)
    bulk_copied_ = false;
}

void checkpointer::run() {
  std::unique_lock<std::mutex> lock{mutex_};
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || due_; });
    if (stop_)
      return;
    due_ = false;
    lock.unlock();
    running_ = true;
    copy_bulk();
    running_ = false;
    lock.lock();
  }
}

void checkpointer::copy_bulk() {
  int64_t rest = -1;
  for (int pass = 0; pass < passes_max; ++pass) {
    rest = checkpoint(db_, SQLITE_CHECKPOINT_PASSIVE);
    if (rest <= rest_pages_max)
      break;
  }
  if (rest >= 0)
    bulk_copied_ = true;
}

int64_t checkpointer::checkpoint(connection& db, int mode) {
  int pages = 0;
  int copied = 0;
  int code = sqlite3_wal_checkpoint_v2(db.raw(), nullptr, mode, &pages, &copied);
  if (code == SQLITE_OK)
    return std::max(pages - copied, 0);
  auto reason = to_error(code, db.path() + ", writing the WAL back", sqlite3_errmsg(db.raw()));
  // Busy: a reader or the other of the two threads is in the way. Full: the next commit says so, and until
  // there is room the WAL keeps everything. Both are tried again after a commit.
  auto kind = code_of(reason);
  if (kind != errc::unavailable && kind != errc::disk_full)
    on_failure_(reason);
  return -1;
}

} // namespace beckon::storage::sqlite
