#pragma once

#include "storage/outbox.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <string>

namespace beckon::storage {

/// The numbers come from outbox.bytes-max and sqlite.busy-timeout-ms, where their defaults stand.
struct outbox_options {
  std::string path;            // the file; its directory must exist
  int64_t bytes_max = 0;       // of events that wait; beyond: errc::unavailable
  int64_t busy_timeout_ms = 0; // wait for a lock of another connection
};

/// An opened outbox, and what opening it required.
struct opened_outbox {
  outbox_ptr box;
  std::string kept_aside; // a damaged file, or one that is not our outbox, was renamed to this; empty: none
};

/// Opens (creating if absent) and recovers. Never deletes or writes to a damaged or foreign file: renames it
/// with its WAL and creates a new one. A newer schema is an error.
caf::expected<opened_outbox> open_outbox(const outbox_options& options);

} // namespace beckon::storage
