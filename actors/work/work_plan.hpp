#pragma once

#include "actors/context/node_context.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

/// The room of the work on stores: one pool that gives jobs to writers and readers with a thread and a
/// session each, and the shipper that moves events from the outbox to the store. This header is the table of
/// lanes: which of them serves which classes of jobs.
namespace beckon::actors {

/// How a pool treats one class.
struct class_plan {
  work_class which;
  size_t jobs_max;        // that wait in one lane
  size_t bytes_max;       // of these
  size_t batch_jobs_max;  // given to a worker at once
  size_t batch_bytes_max; // of these
  size_t batch_rows_max;  // that these add or change
  int64_t wait_ms;        // a job that waited longer is refused
};

/// A lane has one worker, and serves one or more of the pool's classes.
struct lane_plan {
  std::vector<work_class> serves; // the most urgent first
};

/// What a pool is for.
struct work_plan {
  const char* name = "";
  std::vector<class_plan> classes;
  std::vector<lane_plan> lanes;
  work_pool_metrics* metrics = nullptr;
  write_health* health = nullptr; // null: nobody asks
  int64_t check_ms = 0;           // an idle store is asked so often whether it works; 0: never
  work_error died;                // what becomes of jobs whose worker dies
  bool wakes_shipper = false;     // after each batch: there may be something to ship
};

/// Writes to the store. Where it takes one writer at a time each lane serves every class: claims go first,
/// the others get a turn of bounded size after at most `turns_max` groups. Elsewhere:
///
///   lanes                  serve
///   writers.count          claims
///   writers.event-lanes    events
///   1                      maintenance
work_plan store_plan(node_context& node);

/// Appends to the outbox, in one lane.
work_plan outbox_plan(node_context& node);

/// Reads:
///
///   lanes                  serve
///   readers.count          users
///   readers.export-lanes   exports
work_plan read_plan(node_context& node);

/// Lanes of the store's pools with these options; each has a thread and takes a connection.
size_t store_lanes(const node_options& o);

/// What a class that waits in a shared lane puts up with: after so many groups of more urgent ones it is its
/// turn.
constexpr uint8_t turns_max = 4;

} // namespace beckon::actors
