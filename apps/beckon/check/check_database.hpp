#pragma once

#include "apps/beckon/check/check_report.hpp"
#include "config/configuration.hpp"
#include "storage/mysql/inspection.hpp"

#include <cstdint>
#include <string>

/// What the database of a configuration is set to, compared with what the node promises and needs.
namespace beckon::apps {

/// Connections to one database that all processes of this configuration may have at once: those of the
/// writing and reading threads, the overflow and the one for the cluster's tables, of each process, and of
/// one more while workers are replaced.
int64_t connections_needed(const config::configuration& cfg);

/// What a database is for.
struct database_role {
  int64_t on_server = 1;   // databases of this configuration on its server
  bool has_members = true; // the cluster's: it is that of the catalogue
};
void check_server(const config::configuration& cfg, const storage::mysql_facts& facts,
                  const database_role& role, check_report& out);

/// Whether there are tables, and which.
void check_schema(const storage::mysql_schema& schema, check_report& out);

/// Asks each server. Blocks: for the time-outs of [mysql].
void check_servers(const config::configuration& cfg, check_report& out);

/// How the embedded store keeps what it says is stored. `path`: its file.
void check_embedded(const std::string& path, check_report& out);

} // namespace beckon::apps
