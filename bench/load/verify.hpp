#pragma once

#include "bench/load/command_line.hpp"

namespace beckon::load {

/// The command verify. Returns the exit code: 0 without a finding, 1 with one, 3 when ledger or store could
/// not be read, so that nothing is proven.
int verify(const verify_options& options);

} // namespace beckon::load
