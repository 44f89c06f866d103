#pragma once

#include "config/configuration.hpp"

#include <optional>
#include <string>

/// The room of the one-shot commands on a node or a store: import, export, nodes, drain, version.
namespace beckon::apps {

struct import_options {
  std::string file;               // "-": standard input
  bool if_empty = false;          // leave the catalogue alone if it was ever changed
  std::optional<std::string> url; // use the HTTP API instead of the store
};

/// Writes the differences, all or nothing (through the API: popup by popup). Returns the exit code.
int import_catalog(const config::configuration& cfg, const import_options& options);

/// Prints the catalogue as one document. Returns the exit code.
int export_catalog(const config::configuration& cfg, const std::optional<std::string>& url);

} // namespace beckon::apps
