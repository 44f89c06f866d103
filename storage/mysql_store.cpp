#include "storage/mysql_store.hpp"

#include "storage/mysql_connection.hpp"
#include "storage/mysql_migrations.hpp"
#include "storage/mysql_reader.hpp"
#include "storage/mysql_writer.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <new>
#include <random>
#include <thread>
#include <utility>

namespace beckon::storage {

namespace {

using mysql::consequence;
using mysql::failure;
using clock = std::chrono::steady_clock;
using milliseconds = std::chrono::milliseconds;

/// A connection with what is prepared on it; all of it is made anew when the connection was lost.
struct open_connection {
  open_connection(const mysql_options& options, bool writes) : db(options), reader(db), opened(clock::now()) {
    if (writes)
      jobs = std::make_unique<mysql::job_writer>(db);
    used = opened;
  }

  mysql::connection db;
  mysql::row_reader reader;
  std::unique_ptr<mysql::job_writer> jobs;
  clock::time_point opened;
  clock::time_point used;
};

/// The waits between tries of a transaction: twice as long each time, and never the same for two writers that
/// met, so that they do not meet again.
class back_off {
 public:
  void wait() {
    std::uniform_int_distribution<int64_t> spread{most_us_ / 4, most_us_};
    std::this_thread::sleep_for(std::chrono::microseconds{spread(random_)});
    most_us_ = std::min<int64_t>(most_us_ * 2, 100'000);
  }

 private:
  std::minstd_rand random_{std::random_device{}()};
  int64_t most_us_ = 2000;
};

class mysql_session : public session {
 public:
  mysql_session(std::shared_ptr<const mysql_options> options, bool writes)
      : options_(std::move(options)), name_(mysql::endpoint_of(*options_).store), writes_(writes) {
    connected();
  }

  ~mysql_session() override { mysql::attach_thread(); }

  caf::expected<std::vector<write_outcome>> write(const std::vector<write_job>& jobs) override {
    if (!writes_)
      return make_error(errc::rejected, name_ + ": a session for reading was asked to write; open a writer");
    return guarded([&] { return in_transaction([&](mysql::job_writer& w) { return w.run(jobs); }); });
  }

  caf::expected<std::vector<user_row>> load_users(const std::vector<std::string>& users) override {
    return reading([&](mysql::row_reader& r) { return r.load_users(users); });
  }

  caf::expected<std::optional<std::string>>
  load_answer(const std::string& user, const std::string& request_id, int64_t not_before_ms) override {
    return reading([&](mysql::row_reader& r) { return r.load_answer(user, request_id, not_before_ms); });
  }

  caf::expected<catalog_rows> load_catalog() override {
    return reading([](mysql::row_reader& r) { return r.load_catalog(); });
  }

  caf::expected<uint64_t> load_catalog_version() override {
    return reading([](mysql::row_reader& r) { return r.load_catalog_version(); });
  }

  caf::expected<std::vector<stat_row>> load_stats(const std::string& popup) override {
    return reading([&](mysql::row_reader& r) { return r.load_stats(popup); });
  }

  caf::expected<event_page> load_events(const event_filter& filter, const event_cursor& from,
                                        uint32_t limit) override {
    return reading([&](mysql::row_reader& r) { return r.load_events(filter, from, limit); });
  }

  caf::error ping() override {
    if (!writes_)
      return error_of(load_catalog_version());
    return error_of(guarded([&] {
      return in_transaction([](mysql::job_writer& w) {
        w.touch();
        return true;
      });
    }));
  }

 private:
  template <class T>
  static caf::error error_of(const caf::expected<T>& result) {
    return result ? caf::error{} : result.error();
  }

  /// Calls `f` and turns what the layer below throws into this folder's errors.
  template <class F>
  auto guarded(F&& f) -> caf::expected<decltype(f())> {
    mysql::attach_thread();
    try {
      return f();
    } catch (const failure& e) {
      if (live_ && !live_->db.usable())
        live_.reset();
      return e.reason();
    } catch (const std::bad_alloc&) {
      // Half a result may still be on its way: this connection is not to be used again.
      live_.reset();
      return make_error(errc::unavailable, name_ + ": out of memory; nothing was changed");
    }
  }

  template <class F>
  auto reading(F&& f) -> caf::expected<decltype(f(std::declval<mysql::row_reader&>()))> {
    return guarded([&] {
      auto& c = connected();
      auto result = f(c.reader);
      c.used = clock::now();
      return result;
    });
  }

  /// Runs `f` in a transaction, and all of it again when the server ended it in favour of another one. No try
  /// begins later than the time-out for a reply after the first.
  template <class F>
  auto in_transaction(F&& f) -> decltype(f(std::declval<mysql::job_writer&>())) {
    auto last_try = clock::now() + milliseconds{options_->read_timeout_ms};
    back_off pause;
    for (uint32_t retries = 0;; ++retries) {
      auto& c = connected();
      try {
        mysql::transaction t{c.db, mysql::transaction::kind::write};
        auto result = f(*c.jobs);
        t.commit();
        c.used = clock::now();
        return result;
      } catch (const failure& e) {
        if (e.then() != consequence::retry || retries == options_->retries_max || !c.db.usable()
            || clock::now() > last_try)
          throw;
      }
      pause.wait();
    }
  }

  /// The connection, made anew when it was lost or is too old, tried when it was idle for long.
  open_connection& connected() {
    auto now = clock::now();
    if (live_ && (!live_->db.usable() || too_old(now)))
      live_.reset();
    if (live_ && now - live_->used > milliseconds{options_->ping_after_idle_ms} && !answers(live_->db))
      live_.reset();
    if (!live_)
      live_ = std::make_unique<open_connection>(*options_, writes_);
    return *live_;
  }

  bool too_old(clock::time_point now) const {
    return options_->recycle_after_ms > 0 && now - live_->opened > milliseconds{options_->recycle_after_ms};
  }

  static bool answers(mysql::connection& db) {
    try {
      db.ping();
      return true;
    } catch (const failure&) {
      return false;
    }
  }

  std::shared_ptr<const mysql_options> options_;
  const std::string name_;
  const bool writes_;
  std::unique_ptr<open_connection> live_;
};

class mysql_store : public store {
 public:
  explicit mysql_store(const mysql_options& o) : options_(std::make_shared<const mysql_options>(o)) {
    mysql::migrate(o);
    warning_ = durability_warning(o);
  }

  caf::expected<std::unique_ptr<session>> open_writer() override { return open(true); }
  caf::expected<std::unique_ptr<session>> open_reader() override { return open(false); }
  std::string describe() const override { return mysql::endpoint_of(*options_).store; }
  std::string warning() const override { return warning_; }

 private:
  static std::string durability_warning(const mysql_options& o) {
    mysql::connection db{o};
    std::string settings;
    if (db.text("SELECT @@innodb_flush_log_at_trx_commit") != "1")
      settings = "innodb_flush_log_at_trx_commit = 1";
    if (db.text("SELECT @@log_bin") == "1" && db.text("SELECT @@sync_binlog") != "1")
      settings += std::string{settings.empty() ? "" : ", "} + "sync_binlog = 1";
    if (settings.empty())
      return {};
    return db.name() + ": a power cut of the server may lose what it has said is stored; set " + settings
           + " there";
  }

  caf::expected<std::unique_ptr<session>> open(bool writes) {
    try {
      return std::unique_ptr<session>{std::make_unique<mysql_session>(options_, writes)};
    } catch (const failure& e) {
      return e.reason();
    } catch (const std::bad_alloc&) {
      return make_error(errc::unavailable, describe() + ": out of memory");
    }
  }

  std::shared_ptr<const mysql_options> options_;
  std::string warning_;
};

caf::error check(const mysql_options& o) {
  auto wrong = [](const std::string& what) { return make_error(errc::bad_options, "mysql: " + what); };
  constexpr int64_t day_ms = 86'400'000;
  struct span {
    const char* name;
    int64_t value, least, most;
  };
  for (const auto& s :
       {span{"connect_timeout_ms", o.connect_timeout_ms, 1, 600'000},
        span{"read_timeout_ms", o.read_timeout_ms, 1000, 600'000},
        span{"write_timeout_ms", o.write_timeout_ms, 1, 600'000},
        span{"migrate_timeout_ms", o.migrate_timeout_ms, 1000, day_ms},
        span{"ping_after_idle_ms", o.ping_after_idle_ms, 0, day_ms},
        span{"recycle_after_ms", o.recycle_after_ms, 0, day_ms}, span{"retries_max", o.retries_max, 0, 100}})
    if (s.value < s.least || s.value > s.most)
      return wrong(std::string{s.name} + " must be from " + std::to_string(s.least) + " to "
                   + std::to_string(s.most));
  if (o.socket.empty() && (o.host.empty() || o.port == 0))
    return wrong("neither a socket nor host and port; name where the server listens");
  if (o.user.empty() || o.database.empty())
    return wrong("user and database must be named");
  if (!o.tls.required && !(o.tls.ca + o.tls.cert + o.tls.key).empty())
    return wrong("certificates are named, but TLS is not required; say so, or leave them out");
  return {};
}

} // namespace

caf::expected<store_ptr> open_mysql(const mysql_options& options) {
  if (auto e = check(options))
    return e;
  try {
    mysql::attach_thread();
    return store_ptr{std::make_shared<mysql_store>(options)};
  } catch (const failure& e) {
    return e.reason();
  } catch (const std::bad_alloc&) {
    return make_error(errc::unavailable, mysql::endpoint_of(options).store + ": out of memory");
  }
}

} // namespace beckon::storage
