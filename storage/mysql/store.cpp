#include "storage/mysql/store.hpp"

#include "storage/mysql/cluster.hpp"
#include "storage/mysql/connection.hpp"
#include "storage/mysql/migrations.hpp"
#include "storage/mysql/session.hpp"

#include <memory>
#include <new>
#include <utility>

namespace beckon::storage {

namespace {

using mysql::failure;

class mysql_store : public store {
 public:
  explicit mysql_store(const mysql_options& o) {
    mysql::migrate(o);
    mysql::take_place(o);
    durability_warning_ = durability_warning(o);
    connections_ = std::make_shared<mysql::database_connections>(o);
  }

  // Whoever releases the store may close the last connections.
  ~mysql_store() override { mysql::attach_thread(); }

  caf::expected<std::unique_ptr<session>> open_writer() override { return open(true); }
  caf::expected<std::unique_ptr<session>> open_reader() override { return open(false); }
  caf::expected<std::unique_ptr<cluster_store>> open_cluster(int64_t timeout_ms) override {
    return mysql::open_cluster(*connections_->options, timeout_ms);
  }
  caf::expected<std::unique_ptr<shard_table>> open_shards(int64_t timeout_ms) override {
    return mysql::open_shards(*connections_->options, timeout_ms);
  }
  std::string describe() const override { return mysql::endpoint_of(*connections_->options).store; }

  std::string warning() const override {
    std::string all;
    for (const auto& one :
         {durability_warning_, connections_->primary.trouble(), connections_->replicas.warning()})
      if (!one.empty())
        all += (all.empty() ? "" : "; ") + one;
    return all;
  }

  store_stats stats() const override {
    store_stats s;
    s.pools = connections_->replicas.pools();
    s.pools.insert(s.pools.begin(), connections_->primary.stats());
    s.replicas = connections_->replicas.stats();
    return s;
  }

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
    return db.name() + ": a power failure of the server may lose confirmed data; set " + settings + " there";
  }

  /// A session takes a connection with its first call: with several user databases, one that is down must not
  /// block the others.
  caf::expected<std::unique_ptr<session>> open(bool writes) {
    return mysql::make_session(connections_, writes);
  }

  std::shared_ptr<mysql::database_connections> connections_;
  std::string durability_warning_;
};

} // namespace

caf::error check_mysql_options(const mysql_options& o) {
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
        span{"transaction_idle_ms", o.transaction_idle_ms, 1000, 600'000},
        span{"migrate_timeout_ms", o.migrate_timeout_ms, 1000, day_ms},
        span{"ping_after_idle_ms", o.ping_after_idle_ms, 0, day_ms},
        span{"recycle_after_ms", o.recycle_after_ms, 0, day_ms}, span{"retries_max", o.retries_max, 0, 100},
        span{"pool_size", o.pool_size, 1, 1000}, span{"max_overflow", o.max_overflow, 0, 1000},
        span{"pool_timeout_ms", o.pool_timeout_ms, 1, 600'000},
        span{"connect_retry_ms", o.connect_retry_ms, 1, 600'000},
        span{"connect_retry_max_ms", o.connect_retry_max_ms, 1, 600'000},
        span{"replica_staleness_ms", o.replica_staleness_ms, 1, day_ms},
        span{"replica_check_ms", o.replica_check_ms, 1, 600'000}})
    if (s.value < s.least || s.value > s.most)
      return wrong(std::string{s.name} + " must be from " + std::to_string(s.least) + " to "
                   + std::to_string(s.most));
  if (o.socket.empty() && (o.host.empty() || o.port == 0))
    return wrong("neither a socket nor host and port; name the server's address");
  if (o.user.empty() || o.database.empty())
    return wrong("user and database are required");
  if (o.connect_retry_max_ms < o.connect_retry_ms)
    return wrong("connect_retry_max_ms must not be below connect_retry_ms");
  if (o.place.databases == 0 || o.place.position > o.place.databases)
    return wrong("a place has a number beyond that of the databases");
  if (!o.replicas.empty() && o.replica_check_ms * 2 > o.replica_staleness_ms)
    return wrong(
        "replica_check_ms must be at most half of replica_staleness_ms, or no replica is ever fresh enough");
  if (!o.tls.required && !(o.tls.ca + o.tls.cert + o.tls.key).empty())
    return wrong("certificates are set, but TLS is not required; require it, or remove them");
  return {};
}

caf::expected<store_ptr> open_mysql(const mysql_options& options) {
  if (auto e = check_mysql_options(options))
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
