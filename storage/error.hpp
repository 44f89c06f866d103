#pragma once

#include <caf/error.hpp>

#include <cstdint>
#include <string>

namespace beckon::storage {

/// The errors of a store operation. `context` of the caf::error holds one text for people.
enum class errc : uint8_t {
  unavailable = 1, // unreachable, or busy beyond its time-out; nothing was changed; try again later
  unknown_outcome, // the commit may or may not have happened; replay idempotently or reload
  disk_full,       // nothing was changed
  io_failed,       // an I/O or fsync error: final for this process
  rejected,        // the store refuses this particular write (too large, constraint); nothing was changed
  corrupt,         // stored bytes cannot be decoded
  schema_newer,    // a newer program wrote the store
  bad_options,     // the store cannot be opened as configured
};

std::string to_string(errc code);
caf::error make_error(errc code, std::string detail);

/// The text given to make_error, or a default.
std::string describe(const caf::error& e);
/// The code if `e` is a storage error, else 0.
errc code_of(const caf::error& e);

} // namespace beckon::storage
