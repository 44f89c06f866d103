#pragma once

#include "bench/load/command_line.hpp"
#include "bench/load/figures.hpp"

#include <string>
#include <vector>

/// The output of a run.
namespace beckon::load {

/// One line about the last second: rate, p50 and p99, errors, in flight, what is left.
std::string progress_line(const window& last, double seconds, double left_s);

/// The table at the end of a run.
std::string run_table(const figures& f, double seconds);

/// A loud warning if the generator itself was the bottleneck, so that the figures are not the node's. Empty
/// otherwise.
std::string generator_warning(const figures& f, bool closed_loop);

/// All figures of the run as one JSON object.
std::string run_json(const run_options& options, const std::string& run, const figures& f, double seconds);

} // namespace beckon::load
