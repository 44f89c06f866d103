#pragma once

#include "storage/cluster_store.hpp"

#include <cstdint>

namespace beckon::cluster {

/// What a node does with a shard.
enum class shard_phase : uint8_t {
  nobody,       // no owner, or an unknown one: asks wait a little
  serving,      // this node owns it
  handing_over, // this node still owns it, finishes running work and starts nothing
  elsewhere,    // another node owns it
};

/// An order from the node to a shard.
struct shard_order {
  uint16_t shard = 0;
  shard_phase phase = shard_phase::nobody;
  storage::incarnation_id owner = 0; // this node, unless elsewhere
  uint64_t epoch = 0;

  friend bool operator==(const shard_order& a, const shard_order& b) {
    return a.shard == b.shard && a.phase == b.phase && a.owner == b.owner && a.epoch == b.epoch;
  }
  friend bool operator!=(const shard_order& a, const shard_order& b) { return !(a == b); }
};

/// The states of one shard on one node: what an order changes, and how to handle an ask. Pure.
class shard_machine {
 public:
  /// What an order requires.
  enum class effect : uint8_t {
    none,
    serve,     // serve held asks from memory
    start,     // the shard is new here: memory is empty, serve held asks
    hand_over, // finish running work, then report
    lose,      // forget everything, abandon running work; held asks go to the new owner
  };
  /// How to handle an ask.
  enum class admission : uint8_t {
    serve,
    hold,    // until the next order, for a bounded time
    forward, // to the owner
    moved,   // another node sent it here: tell it who the owner is
  };

  /// A shard of a node without a cluster: it serves, without a fence.
  shard_machine() : now_{0, shard_phase::serving, 0, 0} {}

  effect apply(const shard_order& order);

  /// `forwarded`: another node sent it here. `epoch_known`: the newest epoch of this shard known to the
  /// sender; 0: none.
  admission admit(bool forwarded, uint64_t epoch_known) const;

  shard_phase phase() const { return now_.phase; }
  const shard_order& order() const { return now_; }

 private:
  shard_order now_;
};

} // namespace beckon::cluster
