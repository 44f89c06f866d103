#pragma once

#include "apps/beckon/check/check_report.hpp"
#include "config/configuration.hpp"
#include "storage/mysql/inspection.hpp"

#include <cstdint>
#include <string>

/// Compares the database's settings with what a node promises and needs.
namespace beckon::apps {

/// Maximum number of connections to one database by all processes of this configuration: writing and
/// reading threads, overflow and the cluster's connection of each process, plus one more process while
/// workers are replaced.
int64_t connections_needed(const config::configuration& cfg);

/// The role of a database.
struct database_role {
  int64_t on_server = 1;   // databases of this configuration on the same server
  bool has_members = true; // holds the cluster's tables: it is the catalogue's database
};
void check_server(const config::configuration& cfg, const storage::mysql_facts& facts,
                  const database_role& role, check_report& out);

/// Whether the tables exist, and their version.
void check_schema(const storage::mysql_schema& schema, check_report& out);

/// Asks each server. Blocks: up to the time-outs of [mysql].
void check_servers(const config::configuration& cfg, check_report& out);

/// Checks the durability settings of the embedded store. `path`: its file.
void check_embedded(const std::string& path, check_report& out);

} // namespace beckon::apps
