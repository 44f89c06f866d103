#include "storage/sqlite/outbox.hpp"

#include "base/clock.hpp"
#include "storage/event_codec.hpp"
#include "storage/sqlite/file.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <optional>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace beckon::storage {

namespace {

using sqlite::failure;

const char* const version_1 = R"(
CREATE TABLE batch(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  received_at INTEGER NOT NULL,
  events INTEGER NOT NULL,
  body BLOB NOT NULL);
CREATE TABLE refused(
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  body BLOB NOT NULL);
)";

const char* const steps[] = {version_1};

/// The outbox: application id "BkOb".
constexpr sqlite::schema outbox_schema{0x426b4f62, steps, 1};

// What waits is read once and in order, so little of it need be kept in memory.
constexpr int64_t cache_kib = 8192;
constexpr int64_t wal_checkpoint_pages = 16000;

sqlite_options file_options(const outbox_options& o) {
  sqlite_options f;
  f.path = o.path;
  f.busy_timeout_ms = o.busy_timeout_ms;
  f.cache_kib = cache_kib;
  f.wal_checkpoint_pages = wal_checkpoint_pages;
  return f;
}

class sqlite_outbox : public outbox, public std::enable_shared_from_this<sqlite_outbox> {
 public:
  explicit sqlite_outbox(const outbox_options& options)
      : options_(options),
        lock_(options.path),
        db_(prepared(options)),
        file_(options.path),
        insert_(db_, "INSERT INTO batch(received_at, events, body) VALUES(?, ?, ?)"),
        select_(db_, "SELECT seq, events, body FROM batch ORDER BY seq"),
        delete_(db_, "DELETE FROM batch WHERE seq <= ?"),
        first_(db_, "SELECT received_at FROM batch ORDER BY seq LIMIT 1"),
        upto_(db_, "SELECT count(*), coalesce(sum(events), 0), coalesce(sum(length(body)), 0) FROM batch "
                   "WHERE seq <= ?"),
        one_(db_, "SELECT count(*), coalesce(sum(events), 0), coalesce(sum(length(body)), 0) FROM batch "
                  "WHERE seq = ?") {
    check_whole();
    depth_ = sum_of(upto_, INT64_MAX);
    subtract({});
  }

  caf::error append(const std::vector<const std::vector<event_row>*>& batches) override {
    std::lock_guard guard{mutex_};
    if (final_)
      return final_;
    std::vector<std::string> bodies;
    uint64_t bytes = 0;
    for (const auto* events : batches) {
      bodies.push_back(encode_events(*events));
      bytes += bodies.back().size();
    }
    if (depth_.bytes + bytes > static_cast<uint64_t>(options_.bytes_max)) {
      auto full = make_error(errc::unavailable, options_.path
                                                    + ": the outbox is full (outbox.bytes-max); it empties "
                                                      "when the store can be reached again");
      if (depth_.batches > 0)
        full_ = full;
      return full;
    }
    return guarded([&] {
      file_.check();
      sqlite::transaction t{db_, sqlite::transaction::kind::write};
      auto now = base::unix_ms();
      uint64_t events = 0;
      for (size_t i = 0; i < batches.size(); ++i) {
        insert_.run(now, batches[i]->size(), sqlite::blob_view{bodies[i]});
        events += batches[i]->size();
      }
      t.commit();
      doubtful_ = false;
      full_ = {};
      depth_.batches += batches.size();
      depth_.events += events;
      depth_.bytes += bytes;
      if (depth_.oldest_ms == 0)
        depth_.oldest_ms = now;
    });
  }

  caf::expected<std::vector<outbox_batch>> oldest(size_t events_max) override {
    std::lock_guard guard{mutex_};
    std::vector<outbox_batch> out;
    std::vector<int64_t> unreadable;
    auto err = guarded([&] {
      read_oldest(events_max, out, unreadable);
      for (auto seq : unreadable)
        move_to_refused(seq, "cannot be read back");
    });
    if (err)
      return err;
    return out;
  }

  caf::error shipped(int64_t seq) override {
    std::lock_guard guard{mutex_};
    return guarded([&] {
      sqlite::transaction t{db_, sqlite::transaction::kind::write};
      auto before = sum_of(upto_, seq);
      delete_.run(seq);
      t.commit();
      subtract(before);
    });
  }

  caf::error set_aside(int64_t seq, const std::string& reason) override {
    std::lock_guard guard{mutex_};
    return guarded([&] { move_to_refused(seq, reason); });
  }

  outbox_depth depth() const override {
    std::lock_guard guard{mutex_};
    return depth_;
  }

  std::string describe() const override { return "outbox " + options_.path; }
  std::unique_ptr<write_session> open_writer() override;

  caf::error probe() {
    std::lock_guard guard{mutex_};
    if (final_ || full_)
      return final_ ? final_ : full_;
    return guarded([this] {
      file_.check();
      if (doubtful_)
        prove_writable();
    });
  }

 private:
  static sqlite::connection prepared(const outbox_options& options) {
    auto file = file_options(options);
    sqlite::ensure_database(file, outbox_schema);
    auto db = sqlite::open_migrated(file, outbox_schema);
    db.execute("PRAGMA wal_autocheckpoint = 2000");
    return db;
  }

  /// Otherwise a damaged page would be found only when the store comes back, perhaps at night.
  void check_whole() {
    sqlite::statement check{db_, "PRAGMA quick_check(1)"};
    sqlite::rows r{check};
    if (!r.next() || r.text(0) != "ok")
      throw failure(make_error(errc::corrupt, options_.path + ": is damaged"));
  }

  /// After a failed write only a successful one shows that the problem is over.
  void prove_writable() {
    sqlite::transaction t{db_, sqlite::transaction::kind::write};
    insert_.run(base::unix_ms(), 0, sqlite::blob_view{});
    db_.execute("DELETE FROM batch WHERE seq = last_insert_rowid()");
    t.commit();
    doubtful_ = false;
  }

  void read_oldest(size_t events_max, std::vector<outbox_batch>& out, std::vector<int64_t>& unreadable) {
    sqlite::rows r{select_};
    size_t events = 0;
    while (r.next()) {
      events += static_cast<size_t>(r.integer(1));
      if (!out.empty() && events > events_max)
        return;
      if (auto decoded = decode_events(r.text(2)))
        out.push_back({r.integer(0), std::move(*decoded)});
      else
        unreadable.push_back(r.integer(0));
    }
  }

  void move_to_refused(int64_t seq, const std::string& reason) {
    sqlite::transaction t{db_, sqlite::transaction::kind::write};
    auto before = sum_of(one_, seq);
    sqlite::statement copy{db_,
                           "INSERT OR REPLACE INTO refused SELECT seq, ?, ?, body FROM batch WHERE seq = ?"};
    copy.run(base::unix_ms(), std::string_view{reason}, seq);
    sqlite::statement drop{db_, "DELETE FROM batch WHERE seq = ?"};
    drop.run(seq);
    t.commit();
    subtract(before);
  }

  static outbox_depth sum_of(sqlite::statement& sums, int64_t seq) {
    sqlite::rows r{sums, seq};
    outbox_depth d;
    if (r.next())
      d = {static_cast<uint64_t>(r.integer(0)), static_cast<uint64_t>(r.integer(1)),
           static_cast<uint64_t>(r.integer(2)), 0};
    return d;
  }

  void subtract(const outbox_depth& gone) {
    depth_.batches -= gone.batches;
    depth_.events -= gone.events;
    depth_.bytes -= gone.bytes;
    if (gone.bytes > 0)
      full_ = {};
    sqlite::rows r{first_};
    depth_.oldest_ms = r.next() ? r.integer(0) : 0;
  }

  template <class F>
  caf::error guarded(F&& f) {
    try {
      f();
      return {};
    } catch (const failure& e) {
      // It is unknown what the kernel did with pages it could not write: only a restart reads the truth.
      if (code_of(e.reason()) == errc::io_failed)
        final_ = e.reason();
      doubtful_ = true;
      return e.reason();
    } catch (const std::bad_alloc&) {
      return make_error(errc::unavailable, options_.path + ": out of memory; nothing was changed");
    }
  }

  outbox_options options_;
  mutable std::mutex mutex_;
  sqlite::file_lock lock_;
  sqlite::connection db_;
  const sqlite::file_identity file_;
  sqlite::statement insert_;
  sqlite::statement select_;
  sqlite::statement delete_;
  sqlite::statement first_;
  sqlite::statement upto_;
  sqlite::statement one_;
  outbox_depth depth_;
  bool doubtful_ = false; // the last write failed
  caf::error full_;       // returned at bytes_max, until something is shipped
  caf::error final_;
};

class outbox_session : public write_session {
 public:
  explicit outbox_session(std::shared_ptr<sqlite_outbox> box) : box_(std::move(box)) {}

  caf::expected<std::vector<write_outcome>> write(const std::vector<write_job>& jobs) override {
    std::vector<const std::vector<event_row>*> batches;
    for (const auto& job : jobs) {
      const auto* batch = std::get_if<event_batch_write>(&job);
      if (batch == nullptr)
        return make_error(errc::rejected, "an outbox accepts only events");
      batches.push_back(&batch->events);
    }
    if (auto err = box_->append(batches))
      return err;
    return std::vector<write_outcome>(jobs.size());
  }

  caf::error ping() override { return box_->probe(); }

 private:
  std::shared_ptr<sqlite_outbox> box_;
};

std::unique_ptr<write_session> sqlite_outbox::open_writer() {
  return std::make_unique<outbox_session>(shared_from_this());
}

/// Renames the file and its companions; returns the file's new name.
caf::expected<std::string> keep_aside(const std::string& path) {
  auto name = path + ".refused-" + std::to_string(base::unix_ms());
  for (const char* end : {"", "-wal", "-shm"}) {
    if (::rename((path + end).c_str(), (name + end).c_str()) == 0 || (*end != 0 && errno == ENOENT))
      continue;
    return make_error(errc::bad_options,
                      path + end + ": cannot be moved aside: " + std::generic_category().message(errno));
  }
  return name;
}

} // namespace

caf::expected<opened_outbox> open_outbox(const outbox_options& options) {
  opened_outbox result;
  for (int attempt = 0;; ++attempt) {
    try {
      result.box = std::make_shared<sqlite_outbox>(options);
      return result;
    } catch (const failure& e) {
      auto code = code_of(e.reason());
      auto foreign =
          code == errc::corrupt || (code == errc::bad_options && ::access(options.path.c_str(), F_OK) == 0);
      if (!foreign || attempt > 0)
        return e.reason();
      auto moved = keep_aside(options.path);
      if (!moved)
        return std::move(moved.error());
      result.kept_aside =
          describe(e.reason()) + "; it was renamed to " + *moved + " and a new one was created";
    }
  }
}

} // namespace beckon::storage
