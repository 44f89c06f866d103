#pragma once

#include "actors/context/cluster_interfaces.hpp"
#include "actors/context/node_context.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace beckon::actors {

/// State of the shipper; spawn it detached. The position in the outbox moves only after the store's commit,
/// so a group may be shipped twice, which the events' ids make harmless. A group goes in bounded parts, each
/// to one lane of one owner: in a cluster each owner applies the events of its own users. All of it is
/// shipped again unless every part was stored. A batch that the store refuses is found by halving the group.
struct outbox_shipper_state {
  using self_pointer = outbox_shipper_actor::stateful_pointer<outbox_shipper_state>;

  /// Parts for one lane of one owner, sent one after the other, so that each user's events keep their order.
  struct stream {
    gateway_actor there; // null: they are for this node's store
    std::deque<std::vector<storage::event_row>> waiting;
  };

  /// A part that is not settled yet. What was sent to another node is kept until then.
  struct part {
    size_t of = 0; // stream
    events_ask_ptr there;
  };

  self_pointer self = nullptr;
  node_context_ptr node;
  std::vector<int64_t> under_way; // places of the group that is being stored; empty: none
  std::vector<stream> streams;    // of the group
  std::map<uint64_t, part> parts; // by token
  size_t events_under_way = 0;
  int64_t begun_ms = 0;    // steady; when they were sent, in a cluster
  uint32_t duplicates = 0; // in the group
  work_error fault;        // of its parts, the one that decides; ok: none yet
  uint64_t token = 0;
  /// So many of the oldest batches are known to hold one that the store refuses; 0: none is.
  size_t suspects = 0;
  bool failing = false;
  bool gathering = false; // beat_atom will come
  bool watching = false;  // retry_atom will come, with
  uint64_t watch_number = 0;
  caf::typed_response_promise<stop_atom> stopping;

  void wake();
  void watch(int64_t pause_ms);
  void retry(uint64_t number);
  void ship();
  void settle(const write_result& result);
  void settle(const events_answer& answer);
  void give_up_group();
  caf::typed_response_promise<stop_atom> stop();

  static const char* name;

 private:
  bool is_overdue() const;
  bool split(std::vector<storage::event_row> events);
  void add_streams(std::vector<storage::event_row> events, const gateway_actor& there);
  void send_next(size_t of);
  void send_here(size_t of, std::vector<storage::event_row> events);
  void send_there(size_t of, std::vector<storage::event_row> events);
  void settle_part(uint64_t which, uint32_t found_again, work_error why);
  void settle_group();
  void refused();
  void fail();
  void set_aside(int64_t seq);
  void publish();
  void finish();
  bool may_recover() const;
};

outbox_shipper_actor::behavior_type outbox_shipper(outbox_shipper_state::self_pointer self,
                                                   node_context_ptr node);

} // namespace beckon::actors
