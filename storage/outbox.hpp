#pragma once

#include "storage/store.hpp"

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace beckon::storage {

/// What waits in an outbox.
struct outbox_depth {
  uint64_t batches = 0;
  uint64_t events = 0;
  uint64_t bytes = 0;
  int64_t oldest_ms = 0; // when the oldest batch was received; 0: nothing waits
};

/// A batch with its place in the order of arrival.
struct outbox_batch {
  int64_t seq = 0;
  std::vector<event_row> events;
};

/// Events that were accepted and are not yet in the store, in a file of this node: SQLite, WAL,
/// synchronous=FULL. Threadsafe; calls take turns. Blocks: yes, for a commit. Lost on a crash: nothing that
/// append() confirmed.
class outbox {
 public:
  virtual ~outbox() = default;

  /// Appends batches in their order, all or none, on disk when it returns without an error. errc::unavailable
  /// when the outbox is full, disk_full, io_failed (final: every later append fails with it; what waits can
  /// still be read and shipped). So it is when the file was removed or replaced.
  virtual caf::error append(const std::vector<const std::vector<event_row>*>& batches) = 0;

  /// The oldest batches that wait: at least one if there is any, then as many as stay within `events_max`
  /// events.
  virtual caf::expected<std::vector<outbox_batch>> oldest(size_t events_max) = 0;

  /// Drops everything up to and with `seq`: the store has it.
  virtual caf::error shipped(int64_t seq) = 0;

  /// Takes one batch out of the order and keeps it for people to look at: the store refuses it for `reason`.
  virtual caf::error set_aside(int64_t seq, const std::string& reason) = 0;

  virtual outbox_depth depth() const = 0;
  /// "outbox /var/lib/beckon/outbox.db".
  virtual std::string describe() const = 0;

  /// A session whose write() takes event batches only, and appends them.
  virtual std::unique_ptr<write_session> open_writer() = 0;
};

using outbox_ptr = std::shared_ptr<outbox>;

} // namespace beckon::storage
