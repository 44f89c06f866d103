#pragma once

#include "actors/context/interfaces.hpp"
#include "actors/context/node_metrics.hpp"
#include "storage/store.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <memory>

namespace beckon::actors {

using read_batch = work_batch<read_job>;
using read_report = work_report<read_result>;
using read_report_ptr = work_report_ptr<read_result>;

/// Behaviour of one reader; spawn it detached. Opens its session on the first batch and again after a
/// failure.
struct reader_state {
  storage::store_ptr store;
  work_pool_metrics* metrics = nullptr;
  std::unique_ptr<storage::session> session;

  read_report_ptr run(const read_batch& batch);

  static const char* name;

 private:
  caf::error connect();
  void load_users(const read_batch& batch, read_report& result);
};

reader_actor::behavior_type reader(reader_actor::stateful_pointer<reader_state> self,
                                   storage::store_ptr store, work_pool_metrics* metrics);

} // namespace beckon::actors
