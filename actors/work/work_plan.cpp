#include "actors/work/work_plan.hpp"

#include <algorithm>

namespace beckon::actors {

namespace {

constexpr size_t maintenance_lanes = 1;
/// Reads carry a name or two each.
constexpr size_t read_bytes_max = size_t{64} << 20;

class_plan write_class(work_class which, const node_options& o) {
  return {which,
          o.write_jobs_max,
          o.write_bytes_max,
          o.batch_jobs_max,
          o.batch_bytes_max,
          std::max(o.batch_events_max, o.batch_jobs_max),
          o.queue_wait_ms};
}

void add_lanes(std::vector<lane_plan>& to, size_t count, const std::vector<work_class>& serve) {
  to.insert(to.end(), count, lane_plan{serve});
}

std::vector<lane_plan> write_lanes(const node_options& o) {
  std::vector<lane_plan> lanes;
  if (o.event_lanes == 0) {
    add_lanes(lanes, o.writers, {work_class::claims, work_class::events, work_class::maintenance});
    return lanes;
  }
  add_lanes(lanes, o.writers, {work_class::claims});
  add_lanes(lanes, o.event_lanes, {work_class::events});
  add_lanes(lanes, maintenance_lanes, {work_class::maintenance});
  return lanes;
}

std::vector<lane_plan> read_lanes(const node_options& o) {
  std::vector<lane_plan> lanes;
  add_lanes(lanes, o.readers, {work_class::users});
  add_lanes(lanes, o.export_lanes, {work_class::exports});
  return lanes;
}

work_plan write_plan(const char* name, work_pool_metrics& metrics, write_health& health,
                     const node_options& o) {
  work_plan p;
  p.name = name;
  p.metrics = &metrics;
  p.health = &health;
  p.check_ms = o.store_check_ms;
  p.died = {work_error::kind::store, storage::errc::unknown_outcome,
            "the writer died in the middle of its work"};
  return p;
}

} // namespace

work_plan store_plan(node_context& node) {
  const auto& o = node.options;
  auto p = write_plan("store", node.metrics->store_pool, node.health.store, o);
  for (auto c : {work_class::claims, work_class::events, work_class::maintenance})
    p.classes.push_back(write_class(c, o));
  p.lanes = write_lanes(o);
  return p;
}

work_plan outbox_plan(node_context& node) {
  auto p = write_plan("outbox", node.metrics->outbox_pool, node.health.outbox, node.options);
  p.classes.push_back(write_class(work_class::events, node.options));
  p.classes.back().batch_rows_max = SIZE_MAX; // nobody else waits for this disk
  add_lanes(p.lanes, 1, {work_class::events});
  p.wakes_shipper = true;
  return p;
}

work_plan read_plan(node_context& node) {
  const auto& o = node.options;
  work_plan p;
  p.name = "readers";
  p.metrics = &node.metrics->read_pool;
  p.classes.push_back({work_class::users, o.read_jobs_max, read_bytes_max, o.read_batch_max, read_bytes_max,
                       SIZE_MAX, o.read_wait_ms});
  // One page at a time: each goes to its client as soon as it is there.
  p.classes.push_back(
      {work_class::exports, o.read_jobs_max, read_bytes_max, 1, read_bytes_max, SIZE_MAX, o.export_wait_ms});
  p.lanes = read_lanes(o);
  p.died = {work_error::kind::store, storage::errc::unavailable, "the reader died in the middle of its work"};
  return p;
}

size_t store_lanes(const node_options& o) {
  return write_lanes(o).size() + read_lanes(o).size();
}

} // namespace beckon::actors
