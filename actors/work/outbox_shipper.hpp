#pragma once

#include "actors/context/cluster_interfaces.hpp"
#include "actors/context/node_context.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace beckon::actors {

/// State of the shipper; spawn it detached. The position in the outbox moves only after the store's commit,
/// so a group may be shipped twice, which the events' ids make harmless. In a cluster each owner applies the
/// events of its own users: a group goes in parts, and all of it is shipped again unless every part was
/// stored.
struct outbox_shipper_state {
  using self_pointer = outbox_shipper_actor::stateful_pointer<outbox_shipper_state>;

  self_pointer self = nullptr;
  node_context_ptr node;
  std::vector<int64_t> under_way; // places of the group that is being stored; empty: none
  /// Its parts that are not settled yet, by token; what was sent to another node is kept until then.
  std::map<uint64_t, events_ask_ptr> parts;
  size_t events_under_way = 0;
  int64_t begun_ms = 0;    // steady; when they were sent, in a cluster
  uint32_t duplicates = 0; // in the group
  work_error fault;        // of its parts, the one that decides; ok: none yet
  uint64_t token = 0;
  bool singly = false; // after a refusal: one batch at a time, to find the one that is refused
  bool failing = false;
  caf::typed_response_promise<stop_atom> stopping;

  void beat();
  void ship();
  void settle(const write_result& result);
  void settle(const events_answer& answer);
  void give_up_group();
  caf::typed_response_promise<stop_atom> stop();

  static const char* name;

 private:
  bool is_overdue() const;
  bool split(std::vector<storage::event_row> events);
  void send_here(std::vector<storage::event_row> events, std::vector<storage::shard_fence> held);
  void send_there(const gateway_actor& gateway, std::vector<storage::event_row> events);
  void settle_part(uint64_t part, uint32_t found_again, work_error why);
  void settle_group();
  void refused();
  void publish();
  void finish();
  bool may_recover() const;
};

outbox_shipper_actor::behavior_type outbox_shipper(outbox_shipper_state::self_pointer self,
                                                   node_context_ptr node);

} // namespace beckon::actors
