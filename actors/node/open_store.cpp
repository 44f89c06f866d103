#include "actors/node/open_store.hpp"

#include "actors/node/configured_options.hpp"
#include "actors/work/work_plan.hpp"
#include "base/clock.hpp"
#include "config/database_list.hpp"
#include "storage/error.hpp"
#include "storage/mysql/cluster_client.hpp"
#include "storage/mysql/store.hpp"
#include "storage/sharded/store.hpp"
#include "storage/sqlite/store.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace beckon::actors {

namespace {

using storage::mysql_options;

caf::error bad(const std::string& key, const std::string& what) {
  return storage::make_error(storage::errc::bad_options, key + ": " + what);
}

caf::expected<std::string> read_password(const config::configuration& cfg) {
  const auto& file = cfg.text("mysql.password-file");
  if (file.empty())
    return cfg.text("mysql.password");
  std::ifstream in{file};
  std::string line;
  if (!std::getline(in, line))
    return bad("mysql.password-file",
               file + " cannot be read or is empty; its first line must be the password");
  return line;
}

std::vector<storage::mysql_address> addresses(const std::vector<config::database_address>& list) {
  std::vector<storage::mysql_address> out;
  for (const auto& a : list)
    out.push_back({a.host, a.port});
  return out;
}

caf::expected<mysql_options> mysql_options_from(const config::configuration& cfg) {
  auto password = read_password(cfg);
  if (!password)
    return std::move(password.error());
  auto number = [&cfg](const char* key) { return static_cast<uint32_t>(cfg.integer(key)); };
  mysql_options o;
  o.host = cfg.text("mysql.host");
  o.port = static_cast<uint16_t>(cfg.integer("mysql.port"));
  o.socket = cfg.text("mysql.socket");
  o.user = cfg.text("mysql.user");
  o.password = std::move(*password);
  o.database = cfg.text("mysql.database");
  o.tls.required = cfg.boolean("mysql.tls-required");
  o.tls.verify = cfg.boolean("mysql.tls-verify");
  o.tls.ca = cfg.text("mysql.tls-ca");
  o.tls.cert = cfg.text("mysql.tls-cert");
  o.tls.key = cfg.text("mysql.tls-key");
  o.connect_timeout_ms = cfg.integer("mysql.connect-timeout-ms");
  o.read_timeout_ms = cfg.integer("mysql.read-timeout-ms");
  o.write_timeout_ms = cfg.integer("mysql.write-timeout-ms");
  o.ping_after_idle_ms = cfg.integer("mysql.ping-after-idle-ms");
  o.transaction_idle_ms = cfg.integer("mysql.transaction-idle-ms");
  o.recycle_after_ms = cfg.integer("mysql.recycle-after-ms");
  o.pool_size = static_cast<uint32_t>(pool_size_of(cfg));
  o.max_overflow = number("mysql.max-overflow");
  o.pool_timeout_ms = cfg.integer("mysql.pool-timeout-ms");
  o.connect_retry_ms = cfg.integer("mysql.connect-retry-ms");
  o.connect_retry_max_ms = std::max(o.connect_retry_ms, cfg.integer("mysql.connect-retry-max-ms"));
  o.replica_staleness_ms = cfg.integer("mysql.replica-staleness-ms");
  o.replica_check_ms = cfg.integer("mysql.replica-check-ms");
  auto replicas = config::read_replicas(cfg.text("mysql.replicas"));
  if (!replicas)
    return bad("mysql.replicas", replicas.problem);
  o.replicas = addresses(replicas.list);
  return o;
}

bool same_database(const mysql_options& a, const mysql_options& b) {
  return a.socket == b.socket && a.host == b.host && a.port == b.port && a.database == b.database;
}

mysql_options at(mysql_options base, const config::shard_database& database) {
  base.socket.clear();
  base.host = database.where.host;
  base.port = database.where.port;
  base.database = database.name;
  return base;
}

/// The databases of a configuration, each with its place.
struct database_plan {
  mysql_options catalog;
  std::vector<mysql_options> users; // in order; empty: users are in the catalogue's database
};

caf::expected<database_plan> plan_from(const config::configuration& cfg) {
  auto base = mysql_options_from(cfg);
  if (!base)
    return std::move(base.error());
  auto shards = config::read_shard_databases(cfg.text("mysql.shards.databases"));
  if (!shards)
    return bad("mysql.shards.databases", shards.problem);
  database_plan plan{*base, {}};
  if (shards.list.empty())
    return plan;
  if (!base->replicas.empty())
    return bad("mysql.replicas", "with mysql.shards.databases, name a replica behind its database there: "
                                 "HOST:PORT/DATABASE+HOST:PORT");
  auto count = static_cast<uint32_t>(shards.list.size());
  plan.catalog.place = {count, count};
  for (const auto& database : shards.list) {
    auto o = at(*base, database);
    o.replicas = addresses(database.replicas);
    o.place = {static_cast<uint32_t>(plan.users.size()), count};
    if (same_database(o, *base))
      plan.catalog = o;
    plan.users.push_back(std::move(o));
  }
  return plan;
}

/// The catalogue in the database of [mysql], users in those of [mysql.shards]; each database is opened once.
caf::expected<storage::store_ptr> open_mysql_shards(const database_plan& plan) {
  storage::store_ptr catalog;
  std::vector<storage::store_ptr> users;
  for (const auto& o : plan.users) {
    auto opened = storage::open_mysql(o);
    if (!opened)
      return opened;
    if (same_database(o, plan.catalog))
      catalog = *opened;
    users.push_back(std::move(*opened));
  }
  if (!catalog) {
    auto opened = storage::open_mysql(plan.catalog);
    if (!opened)
      return opened;
    catalog = std::move(*opened);
  }
  auto now_ms = base::unix_ms();
  if (auto err = storage::make_catalog_known(*catalog, users, now_ms))
    return err;
  return storage::make_sharded_store(std::move(catalog), std::move(users));
}

} // namespace

caf::expected<std::vector<storage::mysql_options>> mysql_databases(const config::configuration& cfg) {
  auto plan = plan_from(cfg);
  if (!plan)
    return std::move(plan.error());
  std::vector<mysql_options> result = {plan->catalog};
  for (auto& o : plan->users)
    if (!same_database(o, plan->catalog))
      result.push_back(std::move(o));
  return result;
}

caf::expected<std::unique_ptr<storage::cluster_store>> open_cluster_tables(const config::configuration& cfg) {
  auto plan = plan_from(cfg);
  if (!plan)
    return std::move(plan.error());
  return storage::open_cluster_client(plan->catalog, plan->users, cfg.integer("cluster.database-timeout-ms"));
}

size_t pool_size_of(const config::configuration& cfg) {
  auto configured = static_cast<size_t>(cfg.integer("mysql.pool-size"));
  if (configured > 0)
    return configured;
  auto o = options_from(cfg);
  // A thread for each replica takes a connection now and then.
  auto replicas = config::read_replicas(cfg.text("mysql.replicas"));
  return store_lanes(o) + replicas.list.size();
}

caf::expected<storage::store_ptr> open_store(const config::configuration& cfg) {
  if (cfg.text("storage.backend") == "mysql") {
    auto plan = plan_from(cfg);
    if (!plan)
      return std::move(plan.error());
    return plan->users.empty() ? storage::open_mysql(plan->catalog) : open_mysql_shards(*plan);
  }
  storage::sqlite_options o;
  o.path = cfg.text("node.data-dir") + "/beckon.db";
  o.busy_timeout_ms = cfg.integer("sqlite.busy-timeout-ms");
  o.cache_kib = cfg.integer("sqlite.cache-kib");
  o.wal_checkpoint_pages = cfg.integer("sqlite.wal-checkpoint-pages");
  return storage::open_sqlite(o);
}

} // namespace beckon::actors
