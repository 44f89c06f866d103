#define CAF_SUITE net.broker_requests

#include "broker_fixture.hpp"

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

struct fixture {
  server front;
  uint16_t port = front.port();
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(broker_requests_tests, fixture)

CAF_TEST(keep alive) {
  client c{port};
  for (int i = 0; i < 100; ++i) {
    c.send(i % 2 == 0 ? get("/fast") : post("/echo", "body " + std::to_string(i)));
    const auto r = c.next();
    CAF_REQUIRE_EQUAL(r.status, 200);
    CAF_REQUIRE_EQUAL(r.body, i % 2 == 0 ? "fast" : "body " + std::to_string(i));
  }
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_requests_total", "/fast") == 50; }));
  CAF_CHECK_EQUAL(front.metric("beckon_http_connections_total"), 1);
  CAF_CHECK_EQUAL(front.metric("beckon_http_connections"), 1);
}

CAF_TEST(answers leave in the order of the requests) {
  client c{port};
  c.send(get("/hold/a") + get("/hold/b") + get("/fast") + get("/hold/c"));
  front.held.answer("c", text("C"));
  front.held.answer("b", text("B"));
  CAF_REQUIRE(eventually([&] { return front.held.has("a"); }));
  front.held.answer("a", text("A"));
  for (auto* body : {"A", "B", "fast", "C"})
    CAF_CHECK_EQUAL(c.next().body, body);
}

CAF_TEST(a pipeline deeper than the bound is answered to its end) {
  client c{port};
  std::string all;
  for (int i = 0; i < 500; ++i)
    all += post("/echo", std::to_string(i));
  c.send(all);
  for (int i = 0; i < 500; ++i)
    CAF_REQUIRE_EQUAL(c.next().body, std::to_string(i));
}

CAF_TEST(a request byte by byte) {
  client c{port};
  for (char byte : post("/echo", "slow but honest"))
    c.send({&byte, 1});
  CAF_CHECK_EQUAL(c.next().body, "slow but honest");
}

CAF_TEST(a body of many reads) {
  client c{port};
  const std::string body(1000000, 'x');
  c.send(post("/echo", body));
  CAF_CHECK(c.next().body == body);
}

CAF_TEST(a half closed client gets every answer) {
  client c{port};
  c.send(get("/hold/late") + get("/fast") + get("/big"));
  c.send_fin();
  CAF_REQUIRE(eventually([&] { return front.held.has("late"); }));
  front.held.answer("late", text("late"));
  CAF_CHECK_EQUAL(c.next().body, "late");
  CAF_CHECK_EQUAL(c.next().body, "fast");
  const auto last = c.next();
  CAF_CHECK_EQUAL(last.body.size(), big_bytes);
  CAF_CHECK_EQUAL(last.fields.at("connection"), "close");
  CAF_CHECK(c.closed());
  CAF_CHECK(!c.was_reset());
}

CAF_TEST(a parse failure is answered after the good requests before it) {
  client c{port};
  c.send(get("/hold/first") + "GET /fast HTTP/1.1\r\nHost : test\r\n\r\n" + get("/fast"));
  CAF_REQUIRE(eventually([&] { return front.held.has("first"); }));
  front.held.answer("first", text("first"));
  CAF_CHECK_EQUAL(c.next().body, "first");
  const auto bad = c.next();
  CAF_CHECK_EQUAL(bad.status, 400);
  CAF_CHECK_EQUAL(bad.fields.at("content-type"), "application/problem+json");
  CAF_CHECK_EQUAL(bad.fields.at("connection"), "close");
  CAF_CHECK(c.closed());
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_parse_failures_total", "400") == 1; }));
}

CAF_TEST(the last answer survives a client that goes on sending) {
  client c{port};
  c.send("GET / HTTP/1.1\r\nbad header\r\n\r\n" + std::string(200000, 'x'));
  CAF_CHECK_EQUAL(c.next().status, 400);
  c.send(std::string(10000, 'y'));
  c.send_fin();
  CAF_CHECK(c.closed());
  CAF_CHECK(!c.was_reset());
}

CAF_TEST(a body that is announced too large is refused before it is sent) {
  client c{port};
  c.send("POST /echo HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 999999999\r\n\r\n");
  CAF_CHECK_EQUAL(c.next().status, 413);
  CAF_CHECK(c.closed());
}

CAF_TEST(expect is answered when the body will be read) {
  client c{port};
  c.send("POST /echo HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  CAF_CHECK_EQUAL(c.next().status, 100);
  c.send("body");
  CAF_CHECK_EQUAL(c.next().body, "body");
}

CAF_TEST(expect waits for earlier answers) {
  client c{port};
  c.send(get("/hold/x")
         + "POST /echo HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  CAF_REQUIRE(eventually([&] { return front.held.has("x"); }));
  front.held.answer("x", text("X"));
  CAF_CHECK_EQUAL(c.next().body, "X");
  CAF_CHECK_EQUAL(c.next().status, 100);
  c.send("body");
  CAF_CHECK_EQUAL(c.next().body, "body");
}

CAF_TEST(what the router refuses keeps the connection) {
  client c{port};
  c.send(get("/nowhere") + post("/fast", "") + "BREW /fast HTTP/1.1\r\nHost: test\r\n\r\n"
         + "OPTIONS /fast HTTP/1.1\r\nHost: test\r\n\r\n" + get("/fast"));
  CAF_CHECK_EQUAL(c.next().status, 404);
  const auto wrong = c.next();
  CAF_CHECK_EQUAL(wrong.status, 405);
  CAF_CHECK_EQUAL(wrong.fields.at("allow"), "GET, HEAD, OPTIONS");
  CAF_CHECK_EQUAL(c.next().status, 501);
  const auto options = c.next();
  CAF_CHECK_EQUAL(options.status, 204);
  CAF_CHECK_EQUAL(options.fields.at("allow"), "GET, HEAD, OPTIONS");
  CAF_CHECK_EQUAL(c.next().body, "fast");
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_requests_total", "none") == 4; }));
}

CAF_TEST(head has the header of get and no body) {
  client c{port};
  c.send("HEAD /fast HTTP/1.1\r\nHost: test\r\n\r\n" + get("/fast"));
  const auto head = c.next(true);
  CAF_CHECK_EQUAL(head.status, 200);
  CAF_CHECK_EQUAL(head.fields.at("content-length"), "4");
  CAF_CHECK_EQUAL(c.next().body, "fast");
}

CAF_TEST(a handler sees that the request was head) {
  client c{port};
  c.send("HEAD /method HTTP/1.1\r\nHost: test\r\n\r\n" + get("/method"));
  const auto head = c.next(true);
  CAF_CHECK_EQUAL(head.status, 200);
  CAF_CHECK_EQUAL(head.fields.at("content-length"), std::to_string(std::string_view{"HEAD"}.size()));
  CAF_CHECK_EQUAL(c.next().body, "GET");
}

CAF_TEST(a scrape has every answer before it) {
  client c{port};
  for (int i = 1; i <= 20; ++i) {
    c.send(get("/fast") + get("/fast"));
    CAF_REQUIRE_EQUAL(c.next().body, "fast");
    CAF_REQUIRE_EQUAL(c.next().body, "fast");
    c.send(get("/scrape"));
    CAF_REQUIRE_EQUAL(c.next().body, std::to_string(2 * i));
  }
}

CAF_TEST(what never happened is counted as zero) {
  for (auto* status : {"400", "413", "414", "417", "431", "501", "505"})
    CAF_CHECK(front.has_series("beckon_http_parse_failures_total", status));
  for (auto* reason : {"descriptors", "memory", "connections_max"})
    CAF_CHECK(front.has_series("beckon_http_connections_refused_total", reason));
  for (auto* reason : {"requests_in_flight", "request_bytes_in_flight"})
    CAF_CHECK(front.has_series("beckon_http_requests_refused_total", reason));
}

CAF_TEST(an encoded body is refused for now) {
  client c{port};
  c.send(post("/echo", "xx", "Content-Encoding: gzip\r\n")
         + post("/echo", "yy", "Content-Encoding: identity\r\n"));
  const auto r = c.next();
  CAF_CHECK_EQUAL(r.status, 415);
  CAF_CHECK_EQUAL(r.fields.at("accept-encoding"), "identity");
  CAF_CHECK_EQUAL(c.next().body, "yy");
}

CAF_TEST(a handler that cannot start is answered with 500) {
  client c{port};
  c.send(get("/throw") + get("/fast"));
  CAF_CHECK_EQUAL(c.next().status, 500);
  CAF_CHECK_EQUAL(c.next().status, 200);
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_spawn_failures_total") == 1; }));
}

CAF_TEST(request ids are echoed or made) {
  client c{port};
  c.send(get("/fast", "X-Request-Id: abc-1\r\n") + get("/fast") + get("/fast")
         + get("/fast", "X-Request-Id: " + std::string(129, 'x') + "\r\n")
         + get("/fast", "X-Request-Id: a b\r\n"));
  auto next_id = [&] { return c.next().fields["x-request-id"]; };
  CAF_CHECK_EQUAL(next_id(), "abc-1");
  const auto one = next_id();
  CAF_CHECK(!one.empty());
  CAF_CHECK_NOT_EQUAL(one, next_id());
  CAF_CHECK_LESS(next_id().size(), 100u);
  CAF_CHECK_NOT_EQUAL(next_id(), "a b");
}

CAF_TEST(closing as the client asks) {
  client one{port};
  one.send(get("/fast", "Connection: close\r\n"));
  const auto r = one.next();
  CAF_CHECK_EQUAL(r.fields.at("connection"), "close");
  CAF_CHECK(one.closed());
  client old{port};
  old.send("GET /fast HTTP/1.0\r\n\r\n");
  CAF_CHECK_EQUAL(old.next().status, 200);
  CAF_CHECK(old.closed());
}

CAF_TEST(closing as the handler asks) {
  client c{port};
  c.send(get("/hold/last") + get("/fast"));
  auto last = text("last");
  last.close = true;
  front.held.answer("last", std::move(last));
  CAF_CHECK_EQUAL(c.next().body, "last");
  CAF_CHECK(c.closed());
}

CAF_TEST(a reset while a handler works) {
  {
    client c{port};
    c.send(get("/hold/gone"));
    CAF_REQUIRE(eventually([&] { return front.held.has("gone"); }));
    CAF_REQUIRE(eventually([&] { return front.metric("beckon_http_requests_in_flight") == 1; }));
    c.reset();
  }
  CAF_REQUIRE(eventually([&] { return front.metric("beckon_http_connections") == 0; }));
  CAF_CHECK_EQUAL(front.metric("beckon_http_requests_in_flight"), 1); // its actor still works
  client other{port};                                                 // most likely on the same descriptor
  other.send(get("/hold/other"));
  front.held.answer("gone", text("for somebody else"));
  CAF_REQUIRE(eventually([&] { return front.metric("beckon_http_late_answers_total") == 1; }));
  front.held.answer("other", text("mine"));
  CAF_CHECK_EQUAL(other.next().body, "mine");
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_requests_in_flight") == 0; }));
}

CAF_TEST(a second answer is dropped) {
  client c{port};
  c.send(get("/hold/twice"));
  front.held.answer("twice", text("one"));
  front.held.answer("twice", text("two"));
  CAF_CHECK_EQUAL(c.next().body, "one");
  c.send(get("/fast"));
  CAF_CHECK_EQUAL(c.next().body, "fast");
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_late_answers_total") == 1; }));
}

CAF_TEST_FIXTURE_SCOPE_END()
