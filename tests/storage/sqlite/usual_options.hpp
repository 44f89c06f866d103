#pragma once

#include "storage/sqlite/outbox.hpp"
#include "storage/sqlite/store.hpp"

#include <string>

/// Options for tests that are about something else; this room does not know the configuration.
namespace beckon::storage::test {

inline sqlite_options usual_options(std::string path) {
  sqlite_options o;
  o.path = std::move(path);
  o.busy_timeout_ms = 2000;
  o.cache_kib = 65536;
  o.wal_checkpoint_pages = 16000;
  return o;
}

inline outbox_options usual_outbox(std::string path) {
  outbox_options o;
  o.path = std::move(path);
  o.bytes_max = 1073741824;
  o.busy_timeout_ms = 2000;
  return o;
}

} // namespace beckon::storage::test
