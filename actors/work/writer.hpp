#pragma once

#include "actors/context/interfaces.hpp"
#include "actors/context/node_metrics.hpp"
#include "storage/store.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <memory>

namespace beckon::actors {

/// Opens what a writer writes to.
using session_opener = std::function<caf::expected<std::unique_ptr<storage::write_session>>()>;

/// Writes to a store.
session_opener writes_to(storage::store_ptr store);

/// Behaviour of one writer; spawn it detached. Opens its session on the first batch and again after a
/// failure.
struct writer_state {
  session_opener open;
  write_pool_metrics* metrics = nullptr;
  std::unique_ptr<storage::write_session> session;

  write_batch_result_ptr run(const write_batch& batch);

  static const char* name;

 private:
  caf::error connect();
  bool commit(const std::vector<storage::write_job>& jobs, std::vector<storage::write_outcome>& outcomes,
              work_error& why);
  bool commit_one(const storage::write_job& job, storage::write_outcome& outcome, work_error& why);
  void commit_singly(const std::vector<storage::write_job>& jobs, write_batch_result& result);
  void settle_failed(const write_batch& batch, write_batch_result& result);
};

writer_actor::behavior_type writer(writer_actor::stateful_pointer<writer_state> self, session_opener open,
                                   write_pool_metrics* metrics);

work_error to_work_error(const caf::error& e);

} // namespace beckon::actors
