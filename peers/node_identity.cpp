#include "peers/node_identity.hpp"

#include <caf/actor_system.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/io/middleman.hpp>
#include <caf/node_id.hpp>
#include <caf/span.hpp>

#include <cerrno>
#include <future>
#include <stdexcept>
#include <sys/random.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace beckon::peers {

namespace {

using host_id = caf::node_id::default_data::host_id_type;

/// All copies of a node's id share one value; this one is written anew. False when CAF does not do so.
bool rewrite(caf::actor_system& system, const host_id& host) {
  const auto fresh = caf::make_node_id(static_cast<uint32_t>(::getpid()), host);
  std::vector<char> bytes;
  caf::binary_serializer sink{system, bytes};
  caf::binary_deserializer source{system, bytes};
  if (fresh->serialize(sink))
    return false;
  source.reset(caf::as_bytes(caf::make_span(bytes)));
  caf::node_id own = system.node();
  return !own->deserialize(source) && system.node() == fresh;
}

} // namespace

void make_identity_unique(caf::actor_system& system) {
  host_id host{};
  if (::getrandom(host.data(), host.size(), 0) != static_cast<ssize_t>(host.size()))
    throw std::system_error(errno, std::generic_category(), "getrandom");
  // On the I/O thread, the only one that looks into the value.
  std::promise<bool> done;
  system.middleman().backend().post([&] { done.set_value(rewrite(system, host)); });
  if (!done.get_future().get())
    throw std::runtime_error("CAF does not take another identity for this node");
}

} // namespace beckon::peers
