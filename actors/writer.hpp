#pragma once

#include "actors/interfaces.hpp"
#include "actors/node_context.hpp"
#include "storage/store.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <memory>

namespace beckon::actors {

/// Behaviour of one writer; spawn it detached. Opens its session on the first batch and again after a
/// failure.
struct writer_state {
  storage::store_ptr store;
  node_context_ptr node;
  std::unique_ptr<storage::session> session;

  write_batch_result_ptr run(const write_batch& batch);

  static const char* name;

 private:
  caf::error connect();
  bool commit(const std::vector<storage::write_job>& jobs, std::vector<storage::write_outcome>& outcomes,
              work_error& why);
  void commit_singly(const std::vector<storage::write_job>& jobs, write_batch_result& result);
};

writer_actor::behavior_type writer(writer_actor::stateful_pointer<writer_state> self,
                                   storage::store_ptr store, node_context_ptr node);

work_error to_work_error(const caf::error& e);

} // namespace beckon::actors
