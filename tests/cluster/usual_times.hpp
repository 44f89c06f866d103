#pragma once

#include "cluster/node_machine.hpp"

namespace beckon::cluster::test {

/// Times for tests of the machine; this room does not know the configuration.
inline machine_options usual_times() {
  machine_options o;
  o.heartbeat_ms = 2000;
  o.lease_ms = 10000;
  o.own_lease_ms = 7000;
  o.retry_ms = 500;
  o.suspect_after_ms = 1000;
  o.silent_ms = 3500;
  o.hand_over_ms = 5000;
  o.moves_max = 4;
  return o;
}

} // namespace beckon::cluster::test
