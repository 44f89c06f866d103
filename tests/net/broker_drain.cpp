#define CAF_SUITE net.broker_drain

#include "broker_fixture.hpp"
#include "tests/net/usual_options.hpp"

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

/// Drains in another thread, so that the test can observe it.
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

CAF_TEST(idle connections close soon) {
  server front;
  client fresh{front.port()};
  client used{front.port()};
  used.send(get("/fast"));
  CAF_CHECK_EQUAL(used.next().status, 200);
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_connections") == 2; }));
  CAF_CHECK_EQUAL(front.drain(20000).value_or(99), 0u);
  CAF_CHECK(used.closed() && !used.was_reset());
  CAF_CHECK(fresh.closed() && !fresh.was_reset());
}

CAF_TEST(connections in the queue of the listener are answered) {
  http_options options = test::usual_options();
  options.connections_max = 1;
  server front{options};
  client first{front.port()};
  first.send(get("/hold/a"));
  CAF_REQUIRE(eventually([&] { return front.held.has("a"); }));
  std::vector<std::unique_ptr<client>> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.push_back(std::make_unique<client>(front.port()));
    waiting.back()->send(get("/fast"));
  }
  CAF_REQUIRE(eventually([&] { return front.metric("beckon_http_connections_total") == 1; }));
  draining d{front, 20000};
  for (auto& c : waiting) {
    const auto r = c->next();
    CAF_REQUIRE_EQUAL(r.body, "fast");
    CAF_CHECK_EQUAL(r.fields.at("connection"), "close");
  }
  front.held.answer("a", text("A"));
  CAF_CHECK_EQUAL(first.next().body, "A");
}

CAF_TEST(a request that crosses the drain is answered) {
  for (int turn = 0; turn < 5; ++turn) {
    server front;
    std::vector<std::unique_ptr<client>> kept;
    for (int i = 0; i < 20; ++i) {
      kept.push_back(std::make_unique<client>(front.port()));
      if (i % 2 == 0) // the others have never asked anything
        kept.back()->send(get("/fast"));
      CAF_REQUIRE(i % 2 != 0 || kept.back()->next().status == 200);
    }
    client busy{front.port()};
    busy.send(get("/hold/x"));
    CAF_REQUIRE(eventually([&] { return front.held.has("x"); }));
    caf::anon_send(front.broker, drain_atom_v, uint32_t{20000});
    front.held.answer("x", text("X"));
    CAF_REQUIRE_EQUAL(busy.next().body, "X"); // behind the drain in the mailbox: it has begun
    for (auto& c : kept)
      c->send(get("/fast"));
    for (auto& c : kept) {
      const auto r = c->next();
      CAF_REQUIRE_EQUAL(r.body, "fast");
      CAF_CHECK_EQUAL(r.fields.at("connection"), "close");
    }
  }
}

CAF_TEST(no client that could connect is left without an answer) {
  std::atomic<int> answered{0};
  std::atomic<int> lost{0};
  for (int turn = 0; turn < 5; ++turn) {
    server front;
    std::vector<std::thread> threads;
    answered = 0;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&, port = front.port()] {
        try {
          for (;;) {
            client c{port};
            const bool whole = c.send(get("/fast")) && c.next().body == "fast";
            ++(whole ? answered : lost);
          }
        } catch (const std::runtime_error&) { // the port is closed: nothing was asked
        }
      });
    CAF_CHECK(eventually([&] { return answered > 200; }));
    CAF_CHECK_EQUAL(front.drain(20000).value_or(99), 0u);
    for (auto& t : threads)
      t.join();
  }
  CAF_CHECK_EQUAL(lost.load(), 0);
}

CAF_TEST(requests in flight are answered and new connections refused) {
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
  http_options options = test::usual_options();
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
