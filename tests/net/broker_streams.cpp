#define CAF_SUITE net.broker_streams

#include "broker_fixture.hpp"
#include "tests/net/usual_options.hpp"

#include <caf/test/unit_test.hpp>

using namespace beckon::net;
using namespace beckon::net::test;

namespace {

/// Waits until the producer has stood still for a while.
uint64_t settled(server& front) {
  uint64_t before = 0;
  auto since = std::chrono::steady_clock::now();
  eventually([&] {
    const auto now = std::chrono::steady_clock::now();
    if (front.stream.pieces != before) {
      before = front.stream.pieces;
      since = now;
    }
    return before > 0 && now - since > std::chrono::milliseconds(300);
  });
  return before;
}

} // namespace

CAF_TEST(a stream in chunks) {
  server front;
  client c{front.port()};
  c.send(get("/stream/20") + get("/fast"));
  const auto r = c.next();
  CAF_CHECK_EQUAL(r.status, 200);
  CAF_CHECK_EQUAL(r.fields.at("transfer-encoding"), "chunked");
  CAF_CHECK_EQUAL(r.body.size(), 20 * piece_bytes);
  CAF_CHECK_EQUAL(c.next().body, "fast");
}

CAF_TEST(an empty stream) {
  server front;
  client c{front.port()};
  c.send(get("/stream/0") + get("/fast"));
  CAF_CHECK_EQUAL(c.next().body.size(), 0u);
  CAF_CHECK_EQUAL(c.next().body, "fast");
}

CAF_TEST(a stream waits for its turn) {
  server front;
  client c{front.port()};
  c.send(get("/hold/first") + get("/stream/3"));
  CAF_REQUIRE(eventually([&] { return front.held.has("first"); }));
  response first;
  first.content_type = "text/plain";
  first.body = "first";
  front.held.answer("first", first);
  CAF_CHECK_EQUAL(c.next().body, "first");
  CAF_CHECK_EQUAL(c.next().body.size(), 3 * piece_bytes);
}

CAF_TEST(an old client sees the end of the stream by the end of the connection) {
  server front;
  client c{front.port()};
  c.send("GET /stream/5 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const auto r = c.next();
  CAF_CHECK_EQUAL(r.status, 200);
  CAF_CHECK_EQUAL(r.fields.count("transfer-encoding"), 0u);
  CAF_CHECK_EQUAL(c.rest().size(), 5 * piece_bytes);
}

CAF_TEST(memory stays constant while the client does not read) {
  server front;
  constexpr uint64_t pieces = 1600; // 100 MiB
  client c{front.port(), 65536};
  c.send(get("/stream/" + std::to_string(pieces)));
  const auto made = settled(front) * piece_bytes;
  // Unsent output is bounded by 1 MiB; the rest of the allowance is what the kernel's socket buffers take.
  CAF_CHECK_LESS(made, (1u << 20) + piece_bytes + (8u << 20));
  CAF_CHECK_EQUAL(c.next().body.size(), pieces * piece_bytes);
}

CAF_TEST(head of a stream is its head only) {
  server front;
  client c{front.port()};
  c.send("HEAD /stream/5 HTTP/1.1\r\nHost: test\r\n\r\n" + get("/fast"));
  CAF_CHECK_EQUAL(c.next(true).status, 200);
  CAF_CHECK_EQUAL(c.next().body, "fast");
  CAF_CHECK(eventually([&] { return front.stream.aborted == 1; }));
  CAF_CHECK_EQUAL(front.stream.pieces.load(), 0u);
}

CAF_TEST(the producer learns that the client is gone) {
  server front;
  client c{front.port(), 4096};
  c.send(get("/stream/100000"));
  CAF_REQUIRE(eventually([&] { return front.stream.pieces > 0; }));
  c.reset();
  CAF_CHECK(eventually([&] { return front.stream.aborted == 1; }));
}

CAF_TEST(a producer that gives up cuts the connection) {
  server front;
  client c{front.port()};
  c.send(get("/cut"));
  const auto r = c.next();
  CAF_CHECK_EQUAL(r.status, 0); // never a whole answer
  CAF_CHECK(c.was_reset());
}

CAF_TEST(a producer that stalls is cut) {
  server front;
  client c{front.port()};
  c.send(get("/stall"));
  CAF_CHECK_EQUAL(c.next().status, 0);
  CAF_CHECK(eventually([&] { return front.stream.aborted == 1; }));
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_timeouts_total", "stream") == 1; }));
}

CAF_TEST(an empty piece is progress) {
  server front;
  client c{front.port()};
  c.send(get("/sparse") + get("/fast"));
  CAF_CHECK_EQUAL(c.next().body.size(), piece_bytes);
  CAF_CHECK_EQUAL(c.next().body, "fast");
  CAF_CHECK_EQUAL(front.stream.pieces.load(), 1u);
}

CAF_TEST(a client that stops reading a stream is reset) {
  http_options options = test::usual_options();
  options.write_timeout_ms = 300;
  server front{options};
  client c{front.port(), 4096};
  c.send(get("/stream/100000"));
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_timeouts_total", "write") == 1; }));
  CAF_CHECK(eventually([&] { return front.stream.aborted == 1; }));
}
