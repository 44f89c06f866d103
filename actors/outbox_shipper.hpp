#pragma once

#include "actors/interfaces.hpp"
#include "actors/node_context.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <vector>

namespace beckon::actors {

/// State of the shipper; spawn it detached. The position in the outbox moves only after the store's commit,
/// so a group may be shipped twice, which the events' ids make harmless.
struct outbox_shipper_state {
  using self_pointer = outbox_shipper_actor::stateful_pointer<outbox_shipper_state>;

  self_pointer self = nullptr;
  node_context_ptr node;
  std::vector<int64_t> under_way; // places of the group that the store works on; empty: none
  size_t events_under_way = 0;
  uint64_t token = 0;
  bool singly = false; // after a refusal: one batch at a time, to find the one that is refused
  bool failing = false;
  caf::typed_response_promise<stop_atom> stopping;

  void beat();
  void ship();
  void settle(const write_result& result);
  void give_up_group();
  caf::typed_response_promise<stop_atom> stop();

  static const char* name;

 private:
  void refused(const write_result& result);
  void publish();
  void finish();
};

outbox_shipper_actor::behavior_type outbox_shipper(outbox_shipper_state::self_pointer self,
                                                   node_context_ptr node);

} // namespace beckon::actors
