#pragma once

#include "storage/cluster_store.hpp"

#include <cstdint>

namespace beckon::cluster {

/// What one node does with one shard.
enum class shard_phase : uint8_t {
  nobody,       // it is not known who owns it, or nobody does: asks wait a little
  serving,      // this node owns it
  handing_over, // this node still owns it, finishes what is under way and begins nothing
  elsewhere,    // another node owns it
};

/// What a shard is told by its node.
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

/// The states of one shard on one node: what an order changes, and what becomes of an ask. Pure.
class shard_machine {
 public:
  /// What has to be done besides.
  enum class effect : uint8_t {
    none,
    serve,     // asks that were held are served, from what is in memory
    start,     // the shard is new here: memory is empty, asks that were held are served
    hand_over, // finish what is under way, then say so
    lose,      // forget everything, give up what is under way; asks that were held go where the shard is
  };
  /// What becomes of an ask.
  enum class admission : uint8_t {
    serve,
    hold,    // until the next order, for a bounded time
    forward, // to the owner
    moved,   // it came from another node already: tell it who the owner is
  };

  /// A shard of a node that is no part of a cluster: it serves, with no fence.
  shard_machine() : now_{0, shard_phase::serving, 0, 0} {}

  effect apply(const shard_order& order);

  /// `forwarded`: another node sent it here. `epoch_known`: the newest epoch of this shard that its sender
  /// knows of; 0: none.
  admission admit(bool forwarded, uint64_t epoch_known) const;

  shard_phase phase() const { return now_.phase; }
  const shard_order& order() const { return now_; }

 private:
  shard_order now_;
};

} // namespace beckon::cluster
