#define CAF_SUITE actors.peer_messages

#include "tests/actors/members/gateway_fixture.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/message.hpp>

using namespace beckon;
using namespace beckon::actors;

namespace {

struct cluster_config : actors::test::system_config {
  cluster_config() { add_message_types<caf::id_block::beckon_cluster>(); }
};

struct fixture : test_coordinator_fixture<cluster_config> {
  /// What another node gets.
  caf::message over_the_wire(const caf::message& sent) {
    std::vector<char> bytes;
    caf::binary_serializer out{sys, bytes};
    CAF_REQUIRE(!out(sent));
    caf::message got;
    caf::binary_deserializer in{sys, bytes};
    CAF_REQUIRE(!in(got));
    return got;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(peer_messages_tests, fixture)

// Debian's CAF does not notice a type without a number before it is sent.
CAF_TEST(a batch arrives at another node as it was sent) {
  std::string bytes;
  for (int i = 0; i < 100'000; ++i)
    bytes += static_cast<char>(i * 7);
  auto got = over_the_wire(caf::make_message(batch_atom::value, peer_bytes{bytes}));
  CAF_REQUIRE((got.match_elements<batch_atom, peer_bytes>()));
  CAF_CHECK(got.get_as<peer_bytes>(1).bytes == bytes);
}

CAF_TEST(a hello arrives with the end of the link) {
  std::vector<std::string> inbox;
  auto link = sys.spawn(actors::test::scripted_peer, &inbox);
  auto hello = cluster::encode(cluster::hello{"c", "n", 1, 2});
  auto got = over_the_wire(caf::make_message(hello_atom::value, peer_bytes{hello}, link));
  CAF_REQUIRE((got.match_elements<hello_atom, peer_bytes, link_actor>()));
  std::string fault;
  auto read = cluster::decode_hello(got.get_as<peer_bytes>(1).bytes, fault);
  CAF_REQUIRE(read);
  CAF_CHECK(read->from == 1 && read->to == 2);
  CAF_CHECK(got.get_as<link_actor>(2) == link);
  // Whoever was sent is kept until it ends, so the system would wait for it.
  caf::anon_send_exit(link, caf::exit_reason::kill);
  run();
}

CAF_TEST(what a pointer leads to does not leave the process) {
  auto sent = std::make_shared<decide_ask>();
  sent->request_id = "a request of this node";
  std::vector<char> bytes;
  caf::binary_serializer out{sys, bytes};
  CAF_REQUIRE(!out(caf::make_message(decide_ask_ptr{sent})));
  CAF_CHECK(std::string(bytes.begin(), bytes.end()).find(sent->request_id) == std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
