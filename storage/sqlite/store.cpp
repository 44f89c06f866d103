#include "storage/sqlite/store.hpp"

#include "storage/fence.hpp"
#include "storage/sqlite/checkpointer.hpp"
#include "storage/sqlite/file.hpp"
#include "storage/sqlite/reader.hpp"
#include "storage/sqlite/writer.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <utility>

namespace beckon::storage {

namespace {

using sqlite::failure;

/// Calls `f` and converts exceptions of the layer below into storage errors.
template <class F>
auto guarded(const std::string& path, F&& f) -> caf::expected<decltype(f())> {
  try {
    return f();
  } catch (const failure& e) {
    return e.reason();
  } catch (const std::bad_alloc&) {
    return make_error(errc::unavailable, path + ": out of memory; nothing was changed");
  }
}

/// A mutex with a time-out. Not std::timed_mutex, whose timed lock the thread sanitizer does not know.
class turnstile {
 public:
  /// Whether the lock was taken in time; if so, leave() must follow.
  bool enter(int64_t timeout_ms) {
    std::unique_lock<std::mutex> lock{mutex_};
    if (!left_.wait_for(lock, std::chrono::milliseconds{timeout_ms}, [this] { return !taken_; }))
      return false;
    taken_ = true;
    return true;
  }

  void leave() {
    {
      std::lock_guard<std::mutex> guard{mutex_};
      taken_ = false;
    }
    left_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable left_;
  bool taken_ = false;
};

/// The one writing connection, shared by all writing sessions in turn. SQLite takes one writer at a time
/// anyway, and one connection keeps its page cache, which commits of a second one would invalidate.
class shared_writer {
 public:
  explicit shared_writer(const sqlite_options& options)
      : timeout_ms_(options.busy_timeout_ms),
        db_(sqlite::open_migrated(options, sqlite::store_schema())),
        file_(options.path),
        jobs_(db_),
        checkpoints_(options.path, options.wal_checkpoint_pages, [this](const caf::error& e) { stop(e); }) {
    checkpoints_.watch(db_);
  }

  ~shared_writer() {
    if (stopped_)
      db_.leave_untouched_on_close();
  }

 private:
  struct leaver {
    void operator()(turnstile* t) const { t->leave(); }
  };

  /// Calls `f` while no other session writes, and remembers errors that end all writing.
  template <class F>
  auto in_turn(F&& f) {
    if (!turns_.enter(timeout_ms_))
      throw failure(make_error(errc::unavailable, db_.path() + ": another writer was busy for longer than "
                                                      + std::to_string(timeout_ms_)
                                                      + " ms; try again later"));
    std::unique_ptr<turnstile, leaver> turn{&turns_};
    check_going();
    try {
      file_.check();
      checkpoints_.finish_if_due(db_);
      return f();
    } catch (const failure& e) {
      // After a failed write or fsync it is unknown what the disk holds of pages that the kernel calls clean.
      if (code_of(e.reason()) == errc::io_failed)
        stop(e.reason());
      doubtful_ = true;
      throw;
    }
  }

  template <class F>
  auto in_transaction(F&& f) {
    return in_turn([&] {
      sqlite::transaction t{db_, sqlite::transaction::kind::write};
      auto result = f();
      t.commit();
      doubtful_ = false;
      return result;
    });
  }

  void check_going() {
    std::lock_guard<std::mutex> guard{stopped_mutex_};
    if (stopped_)
      throw failure(stopped_);
  }

  void stop(const caf::error& e) {
    std::lock_guard<std::mutex> guard{stopped_mutex_};
    if (!stopped_)
      stopped_ = e;
  }

 public:
  std::vector<write_outcome> write(const std::vector<write_job>& jobs) {
    return in_transaction([&] { return jobs_.run(jobs); });
  }

  /// An idle node commits nothing: each commit wakes the disk and restarts a copy that another program makes
  /// step by step. Taking the write lock is enough, unless a write has failed: then only a successful one
  /// shows that the problem is over.
  void ping() {
    bool prove = in_turn([this] {
      checkpoints_.look_again();
      if (!doubtful_)
        sqlite::transaction{db_, sqlite::transaction::kind::write};
      return doubtful_;
    });
    if (prove)
      in_transaction([this] {
        jobs_.touch();
        return 0;
      });
  }

  std::string warning() const { return checkpoints_.warning(); }

 private:
  const int64_t timeout_ms_;
  turnstile turns_;
  std::mutex stopped_mutex_;
  caf::error stopped_;
  sqlite::connection db_;
  const sqlite::file_identity file_;
  bool doubtful_ = false; // the last write failed
  sqlite::job_writer jobs_;
  sqlite::checkpointer checkpoints_;
};

/// State shared by the store and its sessions, including the file lock; lives as long as any of them.
struct shared_store {
  explicit shared_store(const sqlite_options& o) : options(o), lock(o.path) {
    sqlite::ensure_database(options, sqlite::store_schema());
  }

  const sqlite_options options;
  sqlite::file_lock lock;
  std::unique_ptr<shared_writer> writer;
};

class sqlite_session : public session {
 public:
  sqlite_session(std::shared_ptr<shared_store> shared, bool writes)
      : shared_(std::move(shared)),
        writes_(writes),
        reader_(shared_->options.path, shared_->options.busy_timeout_ms) {}

  caf::expected<std::vector<write_outcome>> write(const std::vector<write_job>& jobs) override {
    if (!writes_)
      return make_error(errc::rejected, path() + ": a session for reading was asked to write; open a writer");
    for (const auto& job : jobs)
      if (!fences_hold(job, [](const shard_fence&) { return false; }))
        return make_error(errc::rejected,
                          path()
                              + ": a write names the owner of its shard, but this store has one owner; "
                                "a cluster needs storage.backend mysql");
    return guarded(path(), [&] { return shared_->writer->write(jobs); });
  }

  caf::expected<std::vector<user_row>> load_users(const std::vector<std::string>& users) override {
    return guarded(path(), [&] { return reader_.load_users(users); });
  }

  caf::expected<std::optional<std::string>>
  load_answer(const std::string& user, const std::string& request_id, int64_t not_before_ms) override {
    return guarded(path(), [&] { return reader_.load_answer(user, request_id, not_before_ms); });
  }

  caf::expected<std::vector<erasure_row>> load_erasures(const std::string& after, uint32_t limit) override {
    return guarded(path(), [&] { return reader_.load_erasures(after, limit); });
  }

  caf::expected<catalog_rows> load_catalog() override {
    return guarded(path(), [&] { return reader_.load_catalog(); });
  }

  caf::expected<uint64_t> load_catalog_version() override {
    return guarded(path(), [&] { return reader_.load_catalog_version(); });
  }

  caf::expected<std::vector<stat_row>> load_stats(const std::string& popup) override {
    return guarded(path(), [&] { return reader_.load_stats(popup); });
  }

  caf::expected<event_page> load_events(const event_filter& filter, const event_cursor& from,
                                        uint32_t limit) override {
    return guarded(path(), [&] { return reader_.load_events(filter, from, limit); });
  }

  caf::error ping() override {
    auto answer = guarded(path(), [&] {
      if (writes_)
        shared_->writer->ping();
      return reader_.load_catalog_version();
    });
    return answer ? caf::error{} : answer.error();
  }

 private:
  const std::string& path() const { return shared_->options.path; }

  std::shared_ptr<shared_store> shared_;
  const bool writes_;
  sqlite::row_reader reader_;
};

class sqlite_store : public store {
 public:
  explicit sqlite_store(const sqlite_options& options) : shared_(std::make_shared<shared_store>(options)) {
    shared_->writer = std::make_unique<shared_writer>(options);
  }

  caf::expected<std::unique_ptr<session>> open_writer() override { return open(true); }
  caf::expected<std::unique_ptr<session>> open_reader() override { return open(false); }
  std::string describe() const override { return "sqlite " + shared_->options.path; }
  std::string warning() const override { return shared_->writer->warning(); }

 private:
  caf::expected<std::unique_ptr<session>> open(bool writes) {
    return guarded(shared_->options.path, [&]() -> std::unique_ptr<session> {
      return std::make_unique<sqlite_session>(shared_, writes);
    });
  }

  std::shared_ptr<shared_store> shared_;
};

caf::error check(const sqlite_options& o) {
  auto wrong = [](const char* what) { return make_error(errc::bad_options, std::string{"sqlite: "} + what); };
  if (o.path.empty())
    return wrong("no path; name the database file");
  if (o.busy_timeout_ms < 0 || o.busy_timeout_ms > 3600000)
    return wrong("busy_timeout_ms must be from 0 to 3600000");
  if (o.cache_kib < 64 || o.cache_kib > 1 << 30)
    return wrong("cache_kib must be from 64 to 1073741824");
  if (o.wal_checkpoint_pages < 1 || o.wal_checkpoint_pages > 1 << 20)
    return wrong("wal_checkpoint_pages must be from 1 to 1048576");
  if (o.pages_max < 0 || o.pages_max > 0xfffffffe)
    return wrong("pages_max must be from 0 to 4294967294");
  return {};
}

} // namespace

caf::expected<store_ptr> open_sqlite(const sqlite_options& options) {
  if (auto e = check(options))
    return e;
  return guarded(options.path, [&]() -> store_ptr { return std::make_shared<sqlite_store>(options); });
}

} // namespace beckon::storage
