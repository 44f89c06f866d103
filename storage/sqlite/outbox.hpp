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

/// An opened outbox, and what had to be done for it.
struct opened_outbox {
  outbox_ptr box;
  std::string kept_aside; // a file that is no outbox of ours, or is damaged, was moved here; empty: none
};

/// Opens (creating if absent) and recovers. A damaged or foreign file is never deleted or written to: it is
/// moved aside with its WAL, and a new one is begun. A newer schema is an error.
caf::expected<opened_outbox> open_outbox(const outbox_options& options);

} // namespace beckon::storage
