#define CAF_SUITE net.broker_drain

#include "broker_fixture.hpp"

#include <caf/all.hpp>
#include <caf/test/unit_test.hpp>

using namespace beckon::net;
using namespace beckon::net::test;

namespace {

response text(std::string body) {
  response r;
  r.content_type = "text/plain";
  r.body = std::move(body);
  return r;
}

/// Drains in another thread, so that the test can look at what happens meanwhile.
class draining {
 public:
  draining(server& front, uint32_t grace_ms)
      : thread_([this, &front, grace_ms] { result_ = front.drain(grace_ms); }) {}
  ~draining() { result(); }
  std::optional<uint64_t> result() {
    if (thread_.joinable())
      thread_.join();
    return result_;
  }

 private:
  std::optional<uint64_t> result_;
  std::thread thread_;
};

} // namespace

CAF_TEST(nothing to drain) {
  server front;
  CAF_CHECK_EQUAL(front.drain(1000).value_or(99), 0u);
}

CAF_TEST(idle connections close at once) {
  server front;
  client fresh{front.port()};
  client used{front.port()};
  used.send(get("/fast"));
  CAF_CHECK_EQUAL(used.next().status, 200);
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_connections") == 2; }));
  CAF_CHECK_EQUAL(front.drain(20000).value_or(99), 0u);
  CAF_CHECK(used.closed());
  CAF_CHECK(fresh.closed());
}

CAF_TEST(what is in flight is answered and nobody else is let in) {
  server front;
  client c{front.port()};
  c.send(get("/hold/a") + get("/hold/b"));
  CAF_REQUIRE(eventually([&] { return front.held.has("b"); }));
  client idle{front.port()};
  draining d{front, 20000};
  CAF_CHECK(idle.closed());
  bool refused = false;
  try {
    client late{front.port()};
  } catch (const std::runtime_error&) {
    refused = true;
  }
  CAF_CHECK(refused);
  front.held.answer("a", text("A"));
  CAF_CHECK_EQUAL(c.next().body, "A");
  front.held.answer("b", text("B"));
  const auto last = c.next();
  CAF_CHECK_EQUAL(last.body, "B");
  CAF_CHECK_EQUAL(last.fields.at("connection"), "close");
  c.send_fin();
  CAF_CHECK(c.closed());
  CAF_CHECK_EQUAL(d.result().value_or(99), 0u);
}

CAF_TEST(the grace time ends) {
  server front;
  client c{front.port()};
  client reader{front.port(), 4096};
  c.send(get("/hold/a") + get("/hold/b"));
  reader.send(get("/big")); // never reads it
  CAF_REQUIRE(eventually([&] { return front.held.has("b"); }));
  CAF_REQUIRE(eventually([&] { return front.metric("beckon_http_requests_total", "/big") == 1; }));
  CAF_CHECK_EQUAL(front.drain(300).value_or(99), 3u);
  CAF_CHECK(c.rest().empty());
  CAF_CHECK(c.was_reset());
}

CAF_TEST(an exit message resets everything) {
  server front;
  client c{front.port()};
  c.send(get("/stream/100000") + get("/hold/never"));
  CAF_REQUIRE(eventually([&] { return front.stream.pieces > 0; }));
  caf::anon_send_exit(front.broker, caf::exit_reason::kill);
  CAF_CHECK(eventually([&] { return front.stream.aborted == 1; }));
  c.rest();
  CAF_CHECK(c.was_reset());
}

CAF_TEST(start and end in a loop) {
  for (int i = 0; i < 20; ++i) {
    server front;
    client c{front.port()};
    c.send(get("/fast"));
    CAF_REQUIRE_EQUAL(c.next().status, 200);
  }
}

CAF_TEST(without an io module nothing starts) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  http_options options;
  options.port = 0;
  const auto l = open_listener(options);
  CAF_REQUIRE(l);
  bool thrown = false;
  try {
    spawn_http_broker(system, *l, options, {}, nullptr);
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  CAF_CHECK(thrown);
}
