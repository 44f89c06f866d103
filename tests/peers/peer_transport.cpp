#define CAF_SUITE peers.peer_transport

#include "peers/peer_transport.hpp"

#include "peer_fixture.hpp"
#include "peers/peer_owner.hpp"
#include "test_certificates.hpp"

#include <caf/typed_actor.hpp>

#include <future>
#include <thread>

using namespace beckon::peers;
using namespace beckon::peers::test;

namespace {

using wanted_door = caf::typed_actor<caf::replies_to<std::string>::with<int>>;

transport_options with(const tls_files& files) {
  transport_options o = transport_options_from(beckon::config::configuration{});
  o.tls_cert = files.cert;
  o.tls_key = files.key;
  o.tls_ca = files.ca;
  return o;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

CAF_TEST(a node reaches the door of another) {
  peer a;
  peer b;
  auto found = b.connect(a.place());
  CAF_REQUIRE(found);
  CAF_CHECK(b.answers(*found));
  auto by_name = b.connect({"localhost", a.port});
  CAF_REQUIRE(by_name);
  CAF_CHECK_EQUAL(*by_name, *found);
  CAF_CHECK_EQUAL(a.turned_away.count(), 0u);
}

CAF_TEST(each node has an identity that no other machine or process has) {
  peer_config cfg;
  caf::actor_system sys{cfg};
  auto early = spawn_plain(sys, {[](int) {}});
  const auto given = sys.node();
  const auto before = caf::to_string(given);
  auto transport = peer_transport::make(sys, transport_options_from(beckon::config::configuration{}));
  CAF_REQUIRE(transport);
  const auto after = caf::to_string(sys.node());
  // CAF's own ones differ in the last byte and the process id alone.
  CAF_CHECK_NOT_EQUAL(after.substr(0, 20), before.substr(0, 20));
  CAF_CHECK_EQUAL(caf::to_string(given), after);
  CAF_CHECK_EQUAL(early->node(), sys.node());
  (*transport)->stop();
  caf::anon_send_exit(early, caf::exit_reason::user_shutdown);
}

CAF_TEST(both directions share one link) {
  peer a;
  peer b;
  auto there = b.connect(a.place());
  auto back = a.connect(b.place());
  CAF_REQUIRE(there && back);
  CAF_CHECK(b.answers(*there));
  CAF_CHECK(a.answers(*back));
}

CAF_TEST(an actor handle in a message works on the other side) {
  peer a;
  peer b;
  auto gateway = a.sys.spawn(
      [](caf::event_based_actor* self, int what) -> caf::behavior {
        return {[=](const caf::actor& who) { return self->delegate(who, what); }};
      },
      41);
  auto opened = a.transport->open_door(gateway);
  CAF_REQUIRE(opened);
  auto there = b.connect({"127.0.0.1", *opened});
  CAF_REQUIRE(there);
  caf::scoped_actor self{b.sys};
  int answer = 0;
  self->request(*there, plenty, b.door).receive([&](int n) { answer = n; }, [](const caf::error&) {});
  CAF_CHECK_EQUAL(answer, 42);
  caf::anon_send_exit(gateway, caf::exit_reason::user_shutdown);
}

CAF_TEST(a monitor tells at once that the other node is gone) {
  peer b;
  caf::scoped_actor self{b.sys};
  {
    peer a;
    auto there = b.connect(a.place());
    CAF_REQUIRE(there);
    self->monitor(*there);
    CAF_CHECK(b.answers(*there));
  }
  bool told = false;
  self->receive([&](const caf::down_msg&) { told = true; }, caf::after(std::chrono::seconds{5}) >> [] {});
  CAF_CHECK(told);
}

CAF_TEST(a node that came back at the same place is reached anew) {
  peer b;
  transport_options same = transport_options_from(beckon::config::configuration{});
  {
    peer a;
    same.port = a.port;
    CAF_REQUIRE(b.connect(a.place()));
  }
  peer a{same};
  auto again = b.connect(a.place());
  CAF_REQUIRE(again);
  CAF_CHECK(b.answers(*again));
}

CAF_TEST(a large message passes and an excessive one ends the link) {
  transport_options small = transport_options_from(beckon::config::configuration{});
  small.message_bytes_max = 1 << 20;
  peer a{small};
  peer b;
  auto sink = spawn_plain(a.sys, {[](const std::string& s) { return static_cast<uint64_t>(s.size()); }});
  auto opened = a.transport->open_door(sink);
  CAF_REQUIRE(opened);
  auto there = b.connect({"127.0.0.1", *opened});
  CAF_REQUIRE(there);
  caf::scoped_actor self{b.sys};
  self->monitor(*there);
  uint64_t size = 0;
  self->request(*there, plenty, std::string(1'000'000, 'x'))
      .receive([&](uint64_t n) { size = n; }, [](const caf::error&) {});
  CAF_CHECK_EQUAL(size, 1'000'000u);
  self->send(*there, std::string(1'100'000, 'x'));
  bool told = false;
  self->receive([&](const caf::down_msg&) { told = true; }, caf::after(plenty) >> [] {});
  CAF_CHECK(told);
  CAF_CHECK(a.turned_away.came("at once, more than"));
  caf::anon_send_exit(sink, caf::exit_reason::user_shutdown);
}

CAF_TEST(what is no door is told from one) {
  peer a;
  peer b;
  CAF_CHECK(has(b.refusal_of(b.place()), "this node itself"));
  auto other = b.transport->connect<wanted_door>(a.place(), 10'000);
  CAF_REQUIRE(!other);
  CAF_CHECK(transport_errc_of(other.error()) == transport_errc::wrong_door);
}

CAF_TEST(a port in use is named with the remedy) {
  peer a;
  transport_options same = transport_options_from(beckon::config::configuration{});
  same.port = a.port;
  std::string problem;
  try {
    peer b{same};
  } catch (const std::runtime_error& e) {
    problem = e.what();
  }
  CAF_MESSAGE(problem);
  CAF_CHECK(has(problem, std::to_string(a.port)));
  CAF_CHECK(has(problem, "cluster.port"));
}

CAF_TEST(who cannot be reached is given up in time) {
  peer b;
  auto start = std::chrono::steady_clock::now();
  raw_socket deaf; // has a port of its own, and does not listen there
  CAF_CHECK(has(b.refusal_of({"127.0.0.1", deaf.bind_only()}), "refused"));
  CAF_CHECK(has(b.refusal_of({"no-such-host.invalid", 7}), "not known"));
  // A full queue: the kernel drops new connections, as a dead machine does.
  raw_socket full;
  auto port = full.listen(0);
  raw_socket one;
  one.connect(port);
  start = std::chrono::steady_clock::now();
  auto text = b.refusal_of({"127.0.0.1", port}, 300);
  CAF_CHECK(has(text, "timed out"));
  CAF_CHECK_GREATER_OR_EQUAL(ms_since(start), 250);
  CAF_CHECK_LESS(ms_since(start), 5000);
}

CAF_TEST(who is silent is given up in time and holds up nobody else) {
  peer a;
  peer b;
  raw_socket stopped;
  const endpoint silent{"127.0.0.1", stopped.listen(16)};
  auto start = std::chrono::steady_clock::now();
  auto hanging = std::async(std::launch::async, [&] { return b.connect(silent, 3000).error(); });
  auto hanging_too = std::async(std::launch::async, [&] { return b.connect(silent, 3000).error(); });
  auto there = b.connect(a.place());
  CAF_REQUIRE(there);
  CAF_CHECK(b.answers(*there));
  CAF_CHECK_LESS(ms_since(start), 2500);
  CAF_CHECK(transport_errc_of(hanging.get()) == transport_errc::not_a_node);
  CAF_CHECK(transport_errc_of(hanging_too.get()) == transport_errc::not_a_node);
  CAF_CHECK_GREATER_OR_EQUAL(ms_since(start), 2900);
  CAF_CHECK_LESS(ms_since(start), 10'000);
}

CAF_TEST(who stops in the middle of the greeting is given up in time) {
  peer b;
  raw_socket stopping;
  const endpoint where{"127.0.0.1", stopping.listen(16)};
  auto start = std::chrono::steady_clock::now();
  auto hanging = std::async(std::launch::async, [&] { return b.connect(where, 3000).error(); });
  int accepted = ::accept(stopping.fd(), nullptr, nullptr);
  CAF_CHECK_EQUAL(::send(accepted, "", 1, MSG_NOSIGNAL), 1);
  CAF_CHECK(transport_errc_of(hanging.get()) == transport_errc::not_a_node);
  // CAF gives up at its next heartbeat, which may come at once; the attempt is made again until its time is
  // up.
  CAF_CHECK_GREATER_OR_EQUAL(ms_since(start), 2900);
  CAF_CHECK_LESS(ms_since(start), 10'000);
  ::close(accepted);
}

CAF_TEST(a stop ends attempts on their way and closes the door) {
  peer b;
  raw_socket stopped;
  const endpoint silent{"127.0.0.1", stopped.listen(16)};
  auto hanging = std::async(std::launch::async, [&] { return b.connect(silent, 60'000).error(); });
  b.transport->stop();
  CAF_REQUIRE(hanging.wait_for(plenty) == std::future_status::ready);
  CAF_CHECK(transport_errc_of(hanging.get()) == transport_errc::stopped);
  CAF_CHECK(has(b.refusal_of(silent), "stopping"));
  peer c;
  auto start = std::chrono::steady_clock::now();
  while (c.connect(b.place(), 100) && ms_since(start) < 10'000)
    std::this_thread::yield();
  CAF_CHECK(!c.connect(b.place(), 100));
}

CAF_TEST(the kernel knows whose the other end is) {
  raw_socket listening;
  auto port = listening.listen(1);
  auto caller = std::make_unique<raw_socket>();
  caller->connect(port);
  int accepted = ::accept(listening.fd(), nullptr, nullptr);
  auto owner = owner_of_other_end(accepted);
  CAF_REQUIRE(owner);
  CAF_CHECK_EQUAL(*owner, ::geteuid());
  CAF_CHECK(is_own_other_end(accepted));
  // A closed connection has no owner, although the kernel counts it as root's.
  caller.reset();
  CAF_CHECK(!owner_of_other_end(accepted));
  CAF_CHECK(!is_own_other_end(accepted));
  ::close(accepted);
}

CAF_TEST(nodes with certificates of one authority reach one another) {
  certificate_workshop shop;
  shop.make_authority("ours");
  peer a{with(shop.make_node("a", "ours"))};
  peer b{with(shop.make_node("b", "ours"))};
  auto there = b.connect(a.place());
  CAF_REQUIRE(there);
  CAF_CHECK(b.answers(*there));
  // The door says nothing after its greeting this time, which TLS has taken from the socket already.
  auto again = b.connect(a.place(), 1000); // well before a heartbeat would come to the rescue
  CAF_REQUIRE(again);
  CAF_CHECK_EQUAL(*again, *there);
  CAF_CHECK_EQUAL(a.turned_away.count(), 0u);
}

CAF_TEST(renewed certificates are used without a restart) {
  certificate_workshop shop;
  shop.make_authority("ours");
  shop.make_authority("former");
  auto files = shop.make_node("a", "former");
  files.ca = shop.bundle("both.pem", {"ours.pem", "former.pem"});
  peer a{with(files)};
  peer b{with(shop.make_node("b", "ours"))};
  CAF_CHECK_NOT_EQUAL(b.refusal_of(a.place()), "");
  shop.make_node("a", "ours");
  CAF_CHECK_EQUAL(b.refusal_of(a.place()), "");
  // What cannot be used is not taken.
  shop.write("a.pem", "half of a file");
  peer c{with(shop.make_node("c", "ours"))};
  CAF_CHECK_EQUAL(c.refusal_of(a.place()), "");
}
