#include "storage/cluster_json.hpp"

#include "json/writer.hpp"

namespace beckon::storage {

void begin_node(json::writer& out, const cluster_node& n) {
  out.begin_object().member("incarnation", n.incarnation).member("name", n.name);
  out.member("state", to_string(n.state)).member("address", n.address).member("http", n.http);
  out.member("version", n.version).key("heartbeat_at").time(n.heartbeat_ms);
  out.key("lease_until").time(n.lease_until_ms);
}

void write_moves(json::writer& out, const cluster_picture& picture) {
  out.begin_array();
  for (const auto& s : picture.shards)
    if (s.known && s.state == shard_state::draining) {
      out.begin_object().member("shard", s.shard).member("from", s.owner).member("to", s.next_owner);
      out.member("epoch", s.epoch).end_object();
    }
  out.end_array();
}

} // namespace beckon::storage
