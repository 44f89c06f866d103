#pragma once

#include "actors/context/interfaces.hpp"
#include "storage/store.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <memory>

namespace beckon::actors {

/// Behaviour of one reader; spawn it detached. Opens its session on the first batch and again after a
/// failure.
struct reader_state {
  storage::store_ptr store;
  std::unique_ptr<storage::session> session;

  read_batch_result_ptr run(const read_batch& batch);

  static const char* name;

 private:
  void load_users(const read_batch& batch, read_batch_result& result);
};

reader_actor::behavior_type reader(reader_actor::stateful_pointer<reader_state> self,
                                   storage::store_ptr store);

} // namespace beckon::actors
