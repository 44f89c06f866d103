#include "storage/cluster_store.hpp"

namespace beckon::storage {

std::string to_string(node_state s) {
  switch (s) {
  case node_state::joining:
    return "joining";
  case node_state::active:
    return "active";
  case node_state::draining:
    return "draining";
  case node_state::dead:
    return "dead";
  }
  return "node state " + std::to_string(static_cast<unsigned>(s));
}

std::string to_string(shard_state s) {
  switch (s) {
  case shard_state::owned:
    return "owned";
  case shard_state::draining:
    return "draining";
  }
  return "shard state " + std::to_string(static_cast<unsigned>(s));
}

} // namespace beckon::storage
