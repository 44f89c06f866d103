#pragma once

#include "actors/context/interfaces.hpp"
#include "actors/context/node_context.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <deque>
#include <string>

namespace beckon::actors {

/// State of the eraser. One thing at a time: a look at the marks, one piece, or a pause. The marks are in the
/// store, so a crash loses nothing, and what another node leaves behind is found by the next look.
struct eraser_state {
  using self_pointer = eraser_actor::stateful_pointer<eraser_state>;

  self_pointer self = nullptr;
  node_context_ptr node;
  std::deque<storage::erasure_row> open; // marked users of this node; at most one page of the list
  std::string after;                     // where the next page begins
  bool page_full = false;                // there may be a next one
  bool busy = false;
  bool look_again = false;
  uint64_t token = 0; // of the job under way; older results are of a pool that is gone
  int64_t asked_ms = 0;

  void look();
  void marks_loaded(const read_result& result);
  void piece_done(const write_result& result);
  void lost();
  void go_on();

  static const char* name;

 private:
  void load_page();
  void send_piece();
  void pause(int64_t ms);
  bool is_here(uint16_t shard) const;
  storage::fence fence_of(uint16_t shard) const;
};

eraser_actor::behavior_type eraser(eraser_state::self_pointer self, node_context_ptr node);

} // namespace beckon::actors
