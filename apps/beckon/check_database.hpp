#pragma once

#include "apps/beckon/check_report.hpp"
#include "config/configuration.hpp"
#include "storage/mysql_inspection.hpp"

#include <cstdint>
#include <string>

/// What the database of a configuration is set to, compared with what the node promises and needs.
namespace beckon::apps {

/// Connections to one database that all processes of this configuration may have at once: those of the
/// writing and reading threads and the overflow, of each process, and of one more while workers are replaced.
int64_t connections_needed(const config::configuration& cfg);

/// `databases`: how many of this configuration are on that server.
void check_server(const config::configuration& cfg, const storage::mysql_facts& facts, int64_t databases,
                  check_report& out);

/// Asks each server. Blocks: for the time-outs of [mysql].
void check_servers(const config::configuration& cfg, check_report& out);

/// How the embedded store keeps what it says is stored. `path`: its file.
void check_embedded(const std::string& path, check_report& out);

} // namespace beckon::apps
