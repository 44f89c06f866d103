#pragma once

#include "storage/store.hpp"

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace beckon::storage {

/// The content of an outbox.
struct outbox_depth {
  uint64_t batches = 0;
  uint64_t events = 0;
  uint64_t bytes = 0;
  int64_t oldest_ms = 0; // when the oldest batch was received; 0: empty
};

/// A batch with its position in the order of arrival.
struct outbox_batch {
  int64_t seq = 0;
  std::vector<event_row> events;
};

/// Accepted events that are not yet in the store, in a file of this node: SQLite, WAL, synchronous=FULL.
/// Threadsafe; calls take turns. Blocks: yes, for a commit. A crash loses nothing that append() confirmed.
class outbox {
 public:
  virtual ~outbox() = default;

  /// Appends batches in order, all or none; they are on disk when it returns without an error. Errors:
  /// unavailable if the outbox is full; disk_full; io_failed, also if the file was removed or replaced
  /// (final: every later append fails, but waiting batches can still be read and shipped).
  virtual caf::error append(const std::vector<const std::vector<event_row>*>& batches) = 0;

  /// The oldest waiting batches: at least one if there is any, then as many as fit into `events_max` events.
  virtual caf::expected<std::vector<outbox_batch>> oldest(size_t events_max) = 0;

  /// Drops everything up to and including `seq`, which the store has.
  virtual caf::error shipped(int64_t seq) = 0;

  /// Sets one batch aside for people to look at: the store refuses it for `reason`.
  virtual caf::error set_aside(int64_t seq, const std::string& reason) = 0;

  virtual outbox_depth depth() const = 0;
  /// "outbox /var/lib/beckon/outbox.db".
  virtual std::string describe() const = 0;

  /// A session whose write() accepts only event batches, and appends them.
  virtual std::unique_ptr<write_session> open_writer() = 0;
};

using outbox_ptr = std::shared_ptr<outbox>;

} // namespace beckon::storage
