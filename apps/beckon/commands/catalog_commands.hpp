#pragma once

#include "config/configuration.hpp"

#include <optional>
#include <string>

/// The room of the commands that talk to a node or a store and end: import, export, nodes, drain, version.
namespace beckon::apps {

struct import_options {
  std::string file;               // "-": standard input
  bool if_empty = false;          // leave a catalogue that was ever changed alone
  std::optional<std::string> url; // through the HTTP API instead of the store
};

/// Writes what differs, all or nothing (through the API: popup by popup). Returns the exit code.
int import_catalog(const config::configuration& cfg, const import_options& options);

/// Prints the catalogue as one document. Returns the exit code.
int export_catalog(const config::configuration& cfg, const std::optional<std::string>& url);

} // namespace beckon::apps
