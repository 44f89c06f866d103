#pragma once

#include "actors/context/interfaces.hpp"
#include "actors/context/node_metrics.hpp"
#include "storage/store.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace beckon::actors {

using write_batch = work_batch<storage::write_job>;
using write_report = work_report<write_result>;
using write_report_ptr = work_report_ptr<write_result>;

/// Opens what a writer writes to.
using session_opener = std::function<caf::expected<std::unique_ptr<storage::write_session>>()>;

/// Writes to a store.
session_opener writes_to(storage::store_ptr store);

/// Behaviour of one writer; spawn it detached. Opens its session on the first batch and again after a
/// failure. A batch is one transaction. When that fails and the store is well, it is done again in halves, so
/// one bad job among n is found in about 2 log n transactions and fails alone.
struct writer_state {
  session_opener open;
  work_pool_metrics* metrics = nullptr;
  std::unique_ptr<storage::write_session> session;

  write_report_ptr run(const write_batch& batch);

  static const char* name;

 private:
  using places = std::vector<size_t>;

  caf::error connect();
  caf::expected<std::vector<storage::write_outcome>> commit(const std::vector<storage::write_job>& jobs);
  void attempt(const std::vector<storage::write_job>& jobs, const places& which, write_report& report);
  void divide(const std::vector<storage::write_job>& jobs, const places& which, write_report& report);
  bool settle(const std::vector<storage::write_job>& jobs, const places& which,
              caf::expected<std::vector<storage::write_outcome>> written, write_report& report);
  bool is_well(const work_error& why, write_report& report);

  std::chrono::steady_clock::time_point divide_until_;
};

writer_actor::behavior_type writer(writer_actor::stateful_pointer<writer_state> self, session_opener open,
                                   work_pool_metrics* metrics);

work_error to_work_error(const caf::error& e);

} // namespace beckon::actors
