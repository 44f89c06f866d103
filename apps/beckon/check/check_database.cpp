#include "apps/beckon/check/check_database.hpp"

#include "actors/node/open_store.hpp"
#include "storage/error.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <map>

namespace beckon::apps {

namespace {

void check_durability(const storage::mysql_facts& f, check_report& out) {
  auto power_cut = f.database + ": a power failure of the server may lose confirmed data";
  auto bad = false;
  auto warn = [&](const std::string& what, const std::string& remedy) {
    bad = true;
    out.warn(what, remedy);
  };
  if (f.flush_log_at_commit != 1)
    warn(power_cut + " (innodb_flush_log_at_trx_commit is " + std::to_string(f.flush_log_at_commit) + ")",
         "SET GLOBAL innodb_flush_log_at_trx_commit = 1, and the same in the server's configuration");
  if (f.binary_log && f.sync_binlog != 1)
    warn(power_cut + ", or leave replicas behind (sync_binlog is " + std::to_string(f.sync_binlog) + ")",
         "SET GLOBAL sync_binlog = 1, and the same in the server's configuration");
  if (!f.doublewrite)
    warn(f.database
             + ": a half-written page cannot be repaired after a power failure (innodb_doublewrite is off)",
         "turn it on in the server's configuration, unless its file system writes pages atomically");
  if (!bad)
    out.ok(f.database + " syncs every commit" + (f.binary_log ? ", its binary log as well" : ""));
}

void check_connections(const config::configuration& cfg, const storage::mysql_facts& f, int64_t databases,
                       check_report& out) {
  auto needed = connections_needed(cfg) * databases;
  auto needs = std::to_string(needed) + " connections may be needed";
  auto compare = [&](const std::string& name, int64_t allowed, const std::string& remedy) {
    auto text = f.database + ": " + name + " is " + std::to_string(allowed) + ", " + needs;
    if (allowed < needed)
      out.warn(text + "; without them the store becomes unavailable", remedy);
    else
      out.ok(text);
  };
  auto more = std::to_string(needed + needed / 4 + 10);
  compare("max_connections", f.connections_max,
          "SET GLOBAL max_connections = " + more
              + ", or lower mysql.pool-size, writers.count, readers.count");
  if (f.user_connections_max > 0)
    compare("max_user_connections", f.user_connections_max,
            "ALTER USER ... WITH MAX_USER_CONNECTIONS " + more + ", or lower mysql.pool-size");
}

/// Decisions use the clock of the database that holds the members.
void check_clocks(const config::configuration& cfg, const storage::mysql_facts& f, bool has_members,
                  check_report& out) {
  auto off_ms = std::abs(f.clock_ahead_ms);
  auto text = f.database + ": the server's clock is " + std::to_string(off_ms) + " ms "
              + (f.clock_ahead_ms < 0 ? "behind" : "ahead of") + " this host's";
  const std::string remedy = "synchronise both, with chrony or systemd-timesyncd";
  auto warn_ms = cfg.integer("cluster.clock-warn-ms");
  if (has_members && off_ms > cfg.integer("cluster.clock-refuse-ms"))
    out.fail(text + ", more than cluster.clock-refuse-ms: a node here cannot join", remedy);
  else if (off_ms > warn_ms)
    out.warn(text, remedy + "; decisions use the database's clock, logs and certificates this host's");
  else
    out.ok(f.database + ": the clocks agree within " + std::to_string(warn_ms) + " ms");
}

} // namespace

int64_t connections_needed(const config::configuration& cfg) {
  auto overflow = cfg.integer("mysql.max-overflow");
  constexpr int64_t of_membership = 1;
  auto of_one = static_cast<int64_t>(actors::pool_size_of(cfg)) + overflow + of_membership;
  auto workers = cfg.integer("workers.count");
  if (workers == 0)
    return of_one;
  constexpr int64_t writer_and_reader = 2; // of the process that ships a replaced worker's outbox
  return (workers + 1) * of_one + writer_and_reader + overflow;
}

void check_server(const config::configuration& cfg, const storage::mysql_facts& f, const database_role& role,
                  check_report& out) {
  out.ok(f.database + " answers, version " + f.version);
  check_durability(f, out);
  check_connections(cfg, f, role.on_server, out);
  check_clocks(cfg, f, role.has_members, out);
}

void check_schema(const storage::mysql_schema& s, check_report& out) {
  auto newest = std::to_string(s.newest);
  if (s.version < 0)
    out.ok(s.database
           + " has no tables yet: the first start creates them, so the account needs CREATE, "
             "ALTER, INDEX, DROP and REFERENCES");
  else if (s.version < s.newest)
    out.ok(s.database + ": its tables have version " + std::to_string(s.version)
           + "; the first start of this " + "program upgrades them to version " + newest
           + ", after which an older program cannot start");
  else
    out.ok(s.database + ": its tables have version " + newest + ", which is this program's");
}

void check_servers(const config::configuration& cfg, check_report& out) {
  auto databases = actors::mysql_databases(cfg);
  if (!databases) {
    out.fail("store: " + storage::describe(databases.error()));
    return;
  }
  auto server = [](const storage::mysql_options& o) {
    return o.socket.empty() ? o.host + ':' + std::to_string(o.port) : o.socket;
  };
  std::map<std::string, int64_t> on_server;
  for (const auto& o : *databases)
    ++on_server[server(o)];
  for (const auto& o : *databases) {
    auto facts = storage::inspect_mysql(o);
    if (!facts) {
      out.fail("store: " + storage::describe(facts.error()));
      continue;
    }
    check_server(cfg, *facts, {on_server[server(o)], &o == &databases->front()}, out);
    if (auto schema = storage::inspect_mysql_schema(o))
      check_schema(*schema, out);
    else
      out.fail("store: " + storage::describe(schema.error()));
  }
}

void check_embedded(const std::string& path, check_report& out) {
  // The file's header is readable even while another process has the store open; 2 means a write-ahead
  // log.
  constexpr size_t versions_at = 18;
  std::array<char, versions_at + 2> header{};
  std::ifstream in{path, std::ios::binary};
  if (!in.read(header.data(), header.size()))
    return; // opening the store reports this
  if (header[versions_at] == 2 && header[versions_at + 1] == 2)
    out.ok(
        "the store's file is in WAL mode according to its header; syncing every commit is not a setting of "
        "the file: "
        "each connection of the node sets it");
  else
    out.warn(path + " is not in WAL mode; the next start changes that",
             "let no other program write to the file");
}

} // namespace beckon::apps
