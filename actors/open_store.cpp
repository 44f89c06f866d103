#include "actors/open_store.hpp"

#include "actors/node_options.hpp"
#include "config/database_list.hpp"
#include "storage/error.hpp"
#include "storage/mysql_store.hpp"
#include "storage/sharded_store.hpp"
#include "storage/sqlite_store.hpp"

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
    return bad("mysql.password-file", file + " cannot be read or is empty; its first line is the password");
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

/// The catalogue in the database of [mysql], users in those of [mysql.shards]; each database is opened once.
caf::expected<storage::store_ptr> open_mysql_shards(const mysql_options& base,
                                                    const std::vector<config::shard_database>& list) {
  storage::store_ptr catalog;
  std::vector<storage::store_ptr> users;
  for (const auto& database : list) {
    auto o = at(base, database);
    auto has_catalog = same_database(o, base);
    o.replicas = addresses(database.replicas);
    o.place = {static_cast<uint32_t>(users.size()), static_cast<uint32_t>(list.size())};
    auto opened = storage::open_mysql(o);
    if (!opened)
      return opened;
    if (has_catalog)
      catalog = *opened;
    users.push_back(std::move(*opened));
  }
  if (!catalog) {
    auto alone = base;
    alone.place = {static_cast<uint32_t>(list.size()), static_cast<uint32_t>(list.size())};
    auto opened = storage::open_mysql(alone);
    if (!opened)
      return opened;
    catalog = std::move(*opened);
  }
  using namespace std::chrono;
  auto now_ms = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  if (auto err = storage::make_catalog_known(*catalog, users, now_ms))
    return err;
  return storage::make_sharded_store(std::move(catalog), std::move(users));
}

caf::expected<storage::store_ptr> open_mysql_store(const config::configuration& cfg) {
  auto options = mysql_options_from(cfg);
  if (!options)
    return std::move(options.error());
  auto shards = config::read_shard_databases(cfg.text("mysql.shards.databases"));
  if (!shards)
    return bad("mysql.shards.databases", shards.problem);
  if (shards.list.empty())
    return storage::open_mysql(*options);
  if (!options->replicas.empty())
    return bad("mysql.replicas", "with mysql.shards.databases, name a replica behind its database there: "
                                 "HOST:PORT/DATABASE+HOST:PORT");
  return open_mysql_shards(*options, shards.list);
}

} // namespace

caf::expected<std::vector<storage::mysql_options>> mysql_databases(const config::configuration& cfg) {
  auto base = mysql_options_from(cfg);
  if (!base)
    return std::move(base.error());
  auto shards = config::read_shard_databases(cfg.text("mysql.shards.databases"));
  if (!shards)
    return bad("mysql.shards.databases", shards.problem);
  std::vector<mysql_options> result = {*base};
  for (const auto& database : shards.list)
    if (auto o = at(*base, database); !same_database(o, *base))
      result.push_back(std::move(o));
  return result;
}

size_t user_databases(const config::configuration& cfg) {
  if (cfg.text("storage.backend") != "mysql")
    return 1;
  // A list that cannot be read is refused when the store is opened.
  auto shards = config::read_shard_databases(cfg.text("mysql.shards.databases"));
  return std::max<size_t>(1, shards.list.size());
}

size_t pool_size_of(const config::configuration& cfg) {
  auto configured = static_cast<size_t>(cfg.integer("mysql.pool-size"));
  if (configured > 0)
    return configured;
  auto o = options_from(cfg);
  // Each replica is looked after by a thread that takes a connection now and then.
  auto replicas = config::read_replicas(cfg.text("mysql.replicas"));
  return o.writers + o.readers + replicas.list.size();
}

caf::expected<storage::store_ptr> open_store(const config::configuration& cfg) {
  if (cfg.text("storage.backend") == "mysql")
    return open_mysql_store(cfg);
  storage::sqlite_options o;
  o.path = cfg.text("node.data-dir") + "/beckon.db";
  o.busy_timeout_ms = cfg.integer("sqlite.busy-timeout-ms");
  o.cache_kib = cfg.integer("sqlite.cache-kib");
  o.wal_checkpoint_pages = cfg.integer("sqlite.wal-checkpoint-pages");
  return storage::open_sqlite(o);
}

} // namespace beckon::actors
