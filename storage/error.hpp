#pragma once

#include <caf/error.hpp>

#include <cstdint>
#include <string>

namespace beckon::storage {

/// What a store operation can fail with. `context` of the caf::error holds one text for people.
enum class errc : uint8_t {
  unavailable = 1, // cannot be reached or is busy beyond its time-out; nothing was changed; try again later
  unknown_outcome, // the commit may or may not have happened; replay idempotently or reload
  disk_full,       // nothing was changed
  io_failed,       // an I/O or fsync error: final for this process
  rejected,        // the store refuses this very write (too large, constraint); nothing was changed
  corrupt,         // stored bytes cannot be read back as what they should be
  schema_newer,    // the store was written by a newer program
  bad_options,     // the store cannot be opened as configured
};

std::string to_string(errc code);
caf::error make_error(errc code, std::string detail);

/// The text given to make_error, or what there is.
std::string describe(const caf::error& e);
/// The code when `e` is one of this folder's, else 0.
errc code_of(const caf::error& e);

} // namespace beckon::storage
