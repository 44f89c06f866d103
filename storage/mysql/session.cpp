#include "storage/mysql/session.hpp"

#include "storage/mysql/back_off.hpp"

#include <chrono>
#include <new>
#include <utility>

namespace beckon::storage::mysql {

namespace {

using clock = std::chrono::steady_clock;
using milliseconds = std::chrono::milliseconds;

template <class T>
caf::error error_of(const caf::expected<T>& result) {
  return result ? caf::error{} : result.error();
}

class pooled_session : public session {
 public:
  pooled_session(std::shared_ptr<database_connections> connections, bool writes)
      : connections_(std::move(connections)), options_(*connections_->options), writes_(writes) {}

  ~pooled_session() override { attach_thread(); } // it may be the last to hold the connections

  caf::expected<std::vector<write_outcome>> write(const std::vector<write_job>& jobs) override {
    if (!writes_)
      return make_error(errc::rejected, endpoint_of(options_).store
                                            + ": a session for reading was asked to write; open a writer");
    return guarded([&] { return in_transaction([&](job_writer& w) { return w.run(jobs); }); });
  }

  caf::expected<std::vector<user_row>> load_users(const std::vector<std::string>& users) override {
    return reading([&](row_reader& r) { return r.load_users(users); });
  }

  caf::expected<std::optional<std::string>>
  load_answer(const std::string& user, const std::string& request_id, int64_t not_before_ms) override {
    return reading([&](row_reader& r) { return r.load_answer(user, request_id, not_before_ms); });
  }

  caf::expected<std::vector<erasure_row>> load_erasures(const std::string& after, uint32_t limit) override {
    return reading([&](row_reader& r) { return r.load_erasures(after, limit); });
  }

  caf::expected<catalog_rows> load_catalog() override {
    return reading([](row_reader& r) { return r.load_catalog(); });
  }

  caf::expected<uint64_t> load_catalog_version() override {
    return reading([](row_reader& r) { return r.load_catalog_version(); });
  }

  caf::expected<std::vector<stat_row>> load_stats(const std::string& popup) override {
    return reading_somewhere([&](row_reader& r) { return r.load_stats(popup); });
  }

  caf::expected<event_page> load_events(const event_filter& filter, const event_cursor& from,
                                        uint32_t limit) override {
    auto load = [&](row_reader& r) { return r.load_events(filter, from, limit); };
    // A user's latest writes must be visible; arrival numbers are the same on a replica.
    return filter.user.empty() ? reading_somewhere(load) : reading(load);
  }

  caf::error ping() override {
    if (!writes_)
      return error_of(load_catalog_version());
    return error_of(guarded([&] {
      return in_transaction([](job_writer& w) {
        w.touch();
        return true;
      });
    }));
  }

 private:
  /// Calls `f` and converts exceptions of the layer below into storage errors.
  template <class F>
  auto guarded(F&& f) -> caf::expected<decltype(f())> {
    attach_thread();
    try {
      return f();
    } catch (const failure& e) {
      return e.reason();
    } catch (const std::bad_alloc&) {
      return make_error(errc::unavailable,
                        endpoint_of(options_).store + ": out of memory; nothing was changed");
    }
  }

  /// Calls `f` with a connection of the pool.
  template <class F>
  static auto once(connection_pool::lease& c, F&& f) -> decltype(f(*c)) {
    try {
      auto result = f(*c);
      c->used = clock::now();
      return result;
    } catch (const std::bad_alloc&) {
      c->db.abandon(); // half a result may still be under way
      throw;
    }
  }

  /// Whether a failure may only mean that a connection was lost while idle.
  static bool stale(connection_pool& pool, const connection_pool::lease& c, const failure& e) {
    if (e.then() != consequence::lost)
      return false;
    pool.distrust();
    return !c.fresh();
  }

  template <class F>
  static auto read_from(connection_pool& pool, F&& f) -> decltype(f(std::declval<row_reader&>())) {
    auto work = [&](pooled_connection& c) { return f(c.reader); };
    {
      auto c = pool.take();
      try {
        return once(c, work);
      } catch (const failure& e) {
        if (!stale(pool, c, e))
          throw;
      }
    }
    auto c = pool.take();
    return once(c, work);
  }

  template <class F>
  auto reading(F&& f) -> caf::expected<decltype(f(std::declval<row_reader&>()))> {
    return guarded([&] { return read_from(connections_->primary, f); });
  }

  /// Reads from a replica if one is fresh enough. If that fails, reads from the primary, and skips the
  /// replica until its next check.
  template <class F>
  auto reading_somewhere(F&& f) -> caf::expected<decltype(f(std::declval<row_reader&>()))> {
    return guarded([&] {
      auto& replicas = connections_->replicas;
      if (auto* r = replicas.fresh_enough()) {
        try {
          auto c = replica_watch::pool_of(*r).take();
          auto result = once(c, [&](pooled_connection& p) { return f(p.reader); });
          replicas.note_done(*r);
          return result;
        } catch (const failure& e) {
          replicas.note_failed(*r, e.reason());
        }
      }
      return read_from(connections_->primary, f);
    });
  }

  /// Starts a transaction on a working connection: one lost while idle fails at the start, when nothing has
  /// happened yet.
  struct begun {
    connection_pool::lease connection;
    std::unique_ptr<transaction> open;
  };

  begun begin() {
    auto& pool = connections_->primary;
    {
      auto c = pool.take();
      try {
        auto t = std::make_unique<transaction>(c->db, transaction::kind::write);
        return {std::move(c), std::move(t)};
      } catch (const failure& e) {
        if (!stale(pool, c, e))
          throw;
      }
    }
    auto c = pool.take();
    auto t = std::make_unique<transaction>(c->db, transaction::kind::write);
    return {std::move(c), std::move(t)};
  }

  template <class F>
  auto run_once(F& f) -> decltype(f(std::declval<job_writer&>())) {
    auto t = begin();
    try {
      return once(t.connection, [&](pooled_connection& c) {
        auto result = f(c.jobs);
        t.open->commit();
        return result;
      });
    } catch (const failure& e) {
      if (e.then() == consequence::lost)
        connections_->primary.distrust();
      throw;
    }
  }

  /// Runs `f` in a transaction, and repeats all of it if the server ended it in favour of another one. No try
  /// starts later than the reply time-out after the first.
  template <class F>
  auto in_transaction(F&& f) -> decltype(f(std::declval<job_writer&>())) {
    auto last_try = clock::now() + milliseconds{options_.read_timeout_ms};
    back_off pause;
    for (uint32_t retries = 0;; ++retries) {
      try {
        return run_once(f);
      } catch (const failure& e) {
        if (e.then() != consequence::retry || retries == options_.retries_max || clock::now() > last_try)
          throw;
      }
      pause.wait();
    }
  }

  const std::shared_ptr<database_connections> connections_;
  const mysql_options& options_;
  const bool writes_;
};

} // namespace

std::unique_ptr<session> make_session(std::shared_ptr<database_connections> connections, bool writes) {
  return std::make_unique<pooled_session>(std::move(connections), writes);
}

} // namespace beckon::storage::mysql
