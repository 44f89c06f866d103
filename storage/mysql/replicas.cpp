#include "storage/mysql/replicas.hpp"

#include "base/clock.hpp"

#include <chrono>
#include <cstdlib>
#include <new>
#include <random>
#include <utility>

namespace beckon::storage::mysql {

namespace {

std::shared_ptr<const mysql_options> options_of(const mysql_options& primary, const mysql_address& where) {
  auto o = std::make_shared<mysql_options>(primary);
  o->socket.clear();
  o->host = where.host;
  o->port = where.port;
  o->replicas.clear();
  return o;
}

/// A separate row for each replica and process, so that two never mistake each other's times for their own.
std::string fresh_row() {
  std::random_device random;
  return std::to_string(random()) + "-" + std::to_string(random());
}

} // namespace

struct replica_watch::replica {
  replica(const mysql_options& primary, const mysql_address& where)
      : name(where.host + ":" + std::to_string(where.port)),
        pool(options_of(primary, where), "replica " + name) {}

  const std::string name;
  connection_pool pool;
  std::atomic<int64_t> seen_ms{-1}; // the latest time that arrived; -1: none since the last failure
  std::atomic<uint64_t> reads{0};
  std::atomic<uint64_t> failures{0};
  std::string last_failure; // of a read, until one succeeds there
  std::thread thread;
};

replica_watch::replica_watch(std::shared_ptr<const mysql_options> options, connection_pool& primary)
    : options_(std::move(options)), primary_(primary) {
  for (const auto& where : options_->replicas)
    replicas_.push_back(std::make_unique<replica>(*options_, where));
  for (auto& r : replicas_)
    r->thread = std::thread{[this, &r = *r] { watch(r); }};
}

replica_watch::~replica_watch() {
  {
    std::lock_guard<std::mutex> guard{mutex_};
    stopping_ = true;
  }
  stop_.notify_all();
  for (auto& r : replicas_)
    r->thread.join();
}

void replica_watch::watch(replica& r) {
  const auto row = fresh_row();
  do {
    try {
      look(r, row);
    } catch (const failure&) {
      // The failure shows in the replica's age and in the pools' counters.
    } catch (const std::bad_alloc&) {
      // The same.
    }
  } while (!pause());
}

void replica_watch::look(replica& r, const std::string& row) {
  auto at = " WHERE writer = '" + row + "'";
  {
    auto primary = primary_.take();
    // Rows of earlier processes.
    if (r.seen_ms < 0)
      primary->db.execute("DELETE FROM replica_clock WHERE written < NOW() - INTERVAL 1 DAY");
    primary->db.execute("INSERT INTO replica_clock(writer, sent_ms) VALUES('" + row + "', "
                        + std::to_string(base::steady_ms())
                        + ") ON DUPLICATE KEY UPDATE sent_ms = VALUES(sent_ms)");
    primary->used = pooled_connection::clock::now();
  }
  auto copy = r.pool.take();
  auto seen = copy->db.text("SELECT sent_ms FROM replica_clock" + at);
  copy->used = pooled_connection::clock::now();
  if (seen)
    r.seen_ms = std::strtoll(seen->c_str(), nullptr, 10);
}

/// Whether it is time to end.
bool replica_watch::pause() {
  std::unique_lock<std::mutex> lock{mutex_};
  return stop_.wait_for(lock, std::chrono::milliseconds{options_->replica_check_ms},
                        [this] { return stopping_; });
}

bool replica_watch::usable(const replica& r) const {
  auto seen = r.seen_ms.load();
  return seen >= 0 && base::steady_ms() - seen <= options_->replica_staleness_ms;
}

replica_watch::replica* replica_watch::fresh_enough() {
  for (size_t tried = 0; tried < replicas_.size(); ++tried) {
    auto& r = *replicas_[turn_++ % replicas_.size()];
    if (usable(r))
      return &r;
  }
  return nullptr;
}

connection_pool& replica_watch::pool_of(replica& r) {
  return r.pool;
}

void replica_watch::note_done(replica& r) {
  ++r.reads;
  std::lock_guard<std::mutex> guard{mutex_};
  r.last_failure.clear();
}

void replica_watch::note_failed(replica& r, const caf::error& why) {
  ++r.failures;
  r.seen_ms = -1;
  std::lock_guard<std::mutex> guard{mutex_};
  r.last_failure = describe(why);
}

std::vector<replica_stats> replica_watch::stats() const {
  std::vector<replica_stats> out;
  for (const auto& r : replicas_) {
    auto seen = r->seen_ms.load();
    out.push_back({r->name, seen < 0 ? -1 : base::steady_ms() - seen, usable(*r), r->reads, r->failures});
  }
  return out;
}

std::vector<pool_stats> replica_watch::pools() const {
  std::vector<pool_stats> out;
  for (const auto& r : replicas_)
    out.push_back(r->pool.stats());
  return out;
}

std::string replica_watch::warning() const {
  std::string out;
  std::lock_guard<std::mutex> guard{mutex_};
  for (const auto& r : replicas_) {
    if (usable(*r) && r->last_failure.empty())
      continue;
    auto seen = r->seen_ms.load();
    out += (out.empty() ? "" : "; ")
           + ("replica " + r->name + " of " + options_->database + " is not read from: ");
    if (!r->last_failure.empty())
      out += "a read failed there: " + r->last_failure;
    else if (seen < 0)
      out += "no write to the primary has arrived there yet";
    else
      out += "its data may be " + std::to_string(base::steady_ms() - seen)
             + " ms old (mysql.replica-staleness-ms allows " + std::to_string(options_->replica_staleness_ms)
             + ")";
  }
  return out;
}

} // namespace beckon::storage::mysql
