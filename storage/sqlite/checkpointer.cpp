#include "storage/sqlite/checkpointer.hpp"

#include "base/clock.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace beckon::storage::sqlite {

namespace {

/// What the writer may copy itself: a millisecond or two.
constexpr int64_t rest_pages_max = 256;
/// The thread copies the bulk at most this often before the writer must finish.
constexpr int passes_max = 4;
/// How soon the thread checks again whether the blocking reader is gone.
constexpr int64_t look_again_ms = 100;
/// Short-lived readers block it for moments only; report only what lasts.
constexpr int64_t warning_after_ms = 1000;
/// A page and its header in the WAL.
constexpr int64_t wal_page_bytes = 4096 + 24;

} // namespace

checkpointer::checkpointer(const std::string& path, int64_t start_pages,
                           std::function<void(const caf::error&)> on_failure)
    : path_(path),
      start_pages_(std::max<int64_t>(start_pages, 1)),
      on_failure_(std::move(on_failure)),
      db_(path, access::read_write, 0) {
  db_.execute("PRAGMA synchronous = FULL");
  db_.execute("PRAGMA wal_autocheckpoint = 0");
  db_.leave_untouched_on_close(); // the writer does that, since it closes last
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
  c.look_again();
  return SQLITE_OK;
}

void checkpointer::look_again() {
  if (pages_in_wal_ < start_pages_ || running_ || bulk_copied_ || base::steady_ms() < not_before_ms_)
    return;
  {
    std::lock_guard<std::mutex> guard{mutex_};
    due_ = true;
  }
  wake_.notify_one();
}

void checkpointer::finish_if_due(connection& writer) {
  if (!bulk_copied_)
    return;
  // The next commit restarts the WAL if it is completely copied and nobody reads it; otherwise that commit
  // makes the thread start again.
  if (auto p = checkpoint(writer); p.done && p.rest == 0)
    pages_in_wal_ = 0;
  bulk_copied_ = false;
}

std::string checkpointer::warning() const {
  auto since = held_since_ms_.load();
  auto pages = pages_in_wal_.load();
  if (since == 0 || base::steady_ms() - since < warning_after_ms || pages < start_pages_ * warning_factor)
    return "";
  return path_ + "-wal has grown to " + std::to_string(pages * wal_page_bytes / 1'000'000)
         + " MB because another program reads the database: end it";
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
  progress last;
  for (int pass = 0; pass < passes_max; ++pass) {
    auto before = last;
    last = checkpoint(db_);
    if (!last.done || (pass > 0 && last.rest > rest_pages_max && last.copied == before.copied)) {
      held_up(last);
      return;
    }
    if (last.rest <= rest_pages_max)
      break;
  }
  held_since_ms_ = 0;
  bulk_copied_ = true;
}

/// A reader that moves on is no problem; one that stays where it is blocks everything.
void checkpointer::held_up(const progress& last) {
  auto now = base::steady_ms();
  not_before_ms_ = now + look_again_ms;
  if (last.full)
    return;
  if (held_since_ms_ == 0 || held_copied_ != last.copied)
    held_since_ms_ = now;
  held_copied_ = last.copied;
}

checkpointer::progress checkpointer::checkpoint(connection& db) {
  int pages = 0;
  int copied = 0;
  int code = sqlite3_wal_checkpoint_v2(db.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);
  if (code == SQLITE_OK)
    return {true, false, copied, std::max(pages - copied, 0)};
  auto reason = to_error(code, db.path(), "writing the WAL back", db.raw());
  // Busy: another program checkpoints. Full: the next commit reports it, and meanwhile the WAL keeps
  // everything. Retry in both cases.
  auto kind = code_of(reason);
  if (kind != errc::unavailable && kind != errc::disk_full)
    on_failure_(reason);
  progress none;
  none.full = kind == errc::disk_full;
  return none;
}

} // namespace beckon::storage::sqlite
