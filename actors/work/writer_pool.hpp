#pragma once

#include "actors/context/interfaces.hpp"
#include "actors/context/node_context.hpp"
#include "actors/work/work_queue.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <vector>

/// The room of the work on stores: pools that give jobs to writers and readers with a thread and a session
/// each, and the shipper that moves events from the outbox to the store.
namespace beckon::actors {

/// What a pool writes to, and where it tells how it fares.
struct write_pool_role {
  const char* name = "store";
  size_t lanes = 1;
  write_health* health = nullptr;
  write_pool_metrics* metrics = nullptr;
};

/// Behaviour of a writer pool. `lanes` writers are attached later, each under its number.
struct writer_pool_state {
  using self_pointer = writer_pool_actor::stateful_pointer<writer_pool_state>;

  struct lane {
    explicit lane(work_queue<write_ask_ptr>::bounds b) : queue(b) {}
    work_queue<write_ask_ptr> queue;
    writer_actor writer;                  // null while it is away
    std::vector<write_ask_ptr> in_flight; // what the writer works on now
    bool busy = false;
  };

  self_pointer self = nullptr;
  node_context_ptr node;
  write_pool_role role;
  std::vector<lane> lanes;
  bool stopping = false;
  caf::typed_response_promise<stop_atom> stopped;

  void enqueue(write_ask_ptr ask);
  void attach(uint32_t number, writer_actor writer);
  void detach(const caf::actor_addr& writer);
  void complete(const write_batch_result& result);
  void beat();
  caf::typed_response_promise<stop_atom> stop();

  static const char* name;

 private:
  lane& lane_of(const write_ask& ask);
  void pump(lane& l, uint32_t number);
  void send_batch(lane& l, uint32_t number, std::vector<write_ask_ptr> asks);
  void refuse(const write_ask& ask, work_error error);
  void refuse_late(std::vector<write_ask_ptr>& asks);
  void distribute(lane& l, const write_batch_result& result);
  void note_health(const work_error& error);
  void publish_depth();
  void finish_if_idle();
};

writer_pool_actor::behavior_type writer_pool(writer_pool_state::self_pointer self, node_context_ptr node,
                                             write_pool_role role);

/// Bytes that a job occupies, about; for the queue's bound.
size_t size_bytes(const storage::write_job& job);

} // namespace beckon::actors
