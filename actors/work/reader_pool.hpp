#pragma once

#include "actors/context/interfaces.hpp"
#include "actors/context/node_context.hpp"
#include "actors/work/work_queue.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <vector>

namespace beckon::actors {

/// Behaviour of the reader pool. `lanes` readers are attached later, each under its number; one queue serves
/// all.
struct reader_pool_state {
  using self_pointer = reader_pool_actor::stateful_pointer<reader_pool_state>;

  struct lane {
    reader_actor reader;                 // null while it is away
    std::vector<read_ask_ptr> in_flight; // what the reader works on now; empty: idle
  };

  explicit reader_pool_state() : queue({0}) {}

  self_pointer self = nullptr;
  node_context_ptr node;
  std::vector<lane> lanes;
  work_queue<read_ask_ptr> queue;

  void enqueue(read_ask_ptr ask);
  void attach(uint32_t number, reader_actor reader);
  void detach(const caf::actor_addr& reader);
  void complete(read_batch_result& result);

  static const char* name;

 private:
  void pump();
  void refuse(const read_ask& ask, work_error error);
};

reader_pool_actor::behavior_type reader_pool(reader_pool_state::self_pointer self, node_context_ptr node);

} // namespace beckon::actors
