#pragma once

#include "bench/load/command_line.hpp"

/// The room of the load generator: open-loop load on loopback addresses, a ledger of what was acknowledged,
/// and `verify`, which checks a store against it.
namespace beckon::load {

/// The command run. Returns the exit code: 0 after a whole run (also one ended by SIGINT or SIGTERM), 1 if it
/// could not start or the ledger could not be written, 2 if the mix is wrong.
int run(const run_options& options);

/// Reads a small file, at most 16 MiB. False: `problem` says why.
bool read_file(const std::string& path, std::string& out, std::string& problem);

/// Writes to a file, or to standard output for "-". On failure it reports the reason on standard error and
/// returns false.
bool write_document(const std::string& path, const std::string& text);

} // namespace beckon::load
