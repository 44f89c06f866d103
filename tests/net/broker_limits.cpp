#define CAF_SUITE net.broker_limits

#include "broker_fixture.hpp"
#include "tests/net/usual_options.hpp"

#include <caf/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace beckon::net;
using namespace beckon::net::test;

namespace {

using clock = std::chrono::steady_clock;

response text(std::string body) {
  response r;
  r.content_type = "text/plain";
  r.body = std::move(body);
  return r;
}

int64_t ms_since(clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - start).count();
}

/// Processor time that this process uses within 300 ms.
int64_t cpu_ms_of_a_moment() {
  auto used = [] {
    rusage r{};
    ::getrusage(RUSAGE_SELF, &r);
    return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000 + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1000;
  };
  const auto before = used();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  return used() - before;
}

/// Takes every descriptor that is left in the process, below a lowered limit.
class descriptor_famine {
 public:
  descriptor_famine() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    auto low = before_;
    low.rlim_cur = 256;
    ::setrlimit(RLIMIT_NOFILE, &low);
    for (int fd = ::open("/dev/null", O_RDONLY); fd >= 0; fd = ::open("/dev/null", O_RDONLY))
      taken_.push_back(fd);
  }
  ~descriptor_famine() { end(); }
  void end() {
    for (int fd : taken_)
      ::close(fd);
    taken_.clear();
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

} // namespace

CAF_TEST(a port in use is reported with its address) {
  server front;
  http_options options = test::usual_options();
  options.port = front.port();
  const auto l = open_listener(options);
  CAF_REQUIRE(!l);
  const auto said = front.system().render(l.error());
  CAF_CHECK(said.find("127.0.0.1:" + std::to_string(front.port())) != std::string::npos);
  CAF_CHECK(said.find("http.port") != std::string::npos);
}

CAF_TEST(an address of another machine is reported) {
  http_options options = test::usual_options();
  options.address = "203.0.113.7";
  options.port = 0;
  const auto l = open_listener(options);
  CAF_CHECK(!l);
}

CAF_TEST(two listeners share a port when asked to) {
  http_options options = test::usual_options();
  options.port = 0;
  options.reuse_port = true;
  const auto first = open_listener(options);
  CAF_REQUIRE(first);
  options.port = first->port;
  const auto second = open_listener(options);
  CAF_CHECK(second);
  ::close(first->fd);
  if (second)
    ::close(second->fd);
}

CAF_TEST(accepting halts at the bound and resumes below it) {
  http_options options = test::usual_options();
  options.connections_max = 2;
  server front{options};
  auto one = std::make_unique<client>(front.port());
  client two{front.port()};
  one->send(get("/fast"));
  two.send(get("/fast"));
  CAF_CHECK_EQUAL(one->next().status, 200);
  CAF_CHECK_EQUAL(two.next().status, 200);
  client three{front.port()}; // waits in the backlog
  three.send(get("/fast"));
  CAF_CHECK(eventually(
      [&] { return front.metric("beckon_http_connections_refused_total", "connections_max") == 1; }));
  CAF_CHECK_EQUAL(front.metric("beckon_http_connections"), 2);
  CAF_CHECK_LESS(cpu_ms_of_a_moment(), 150); // a client that waits must not keep the loop busy
  one.reset();
  CAF_CHECK_EQUAL(three.next().status, 200);
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_connections_total") == 3; }));
}

CAF_TEST(without descriptors a client gets an answer and the others are served) {
  server front;
  client before{front.port()};
  before.send(get("/fast"));
  CAF_REQUIRE_EQUAL(before.next().status, 200);
  const int prepared = client::prepared();
  descriptor_famine famine;
  client refused{prepared, front.port()};
  CAF_CHECK_EQUAL(refused.next().status, 503);
  before.send(get("/fast"));
  CAF_CHECK_EQUAL(before.next().status, 200);
  CAF_CHECK(
      eventually([&] { return front.metric("beckon_http_connections_refused_total", "descriptors") >= 1; }));
  CAF_CHECK_LESS(cpu_ms_of_a_moment(), 150);
  famine.end();
  client after{front.port()};
  after.send(get("/fast"));
  CAF_CHECK_EQUAL(after.next().status, 200);
}

CAF_TEST(a client whose fin arrives before its request is read) {
  http_options options = test::usual_options();
  options.connections_max = 1;
  server front{options};
  auto first = std::make_unique<client>(front.port());
  first->send(get("/fast"));
  CAF_REQUIRE_EQUAL(first->next().status, 200);
  client second{front.port()}; // not accepted yet: request and FIN gather in its socket
  second.send(get("/fast"));
  second.send_fin();
  first.reset();
  CAF_CHECK_EQUAL(second.next().status, 200);
  CAF_CHECK(second.closed());
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_connections") == 0; }));
}

CAF_TEST(too many requests in flight) {
  http_options options = test::usual_options();
  options.requests_in_flight_max = 2;
  server front{options};
  client c{front.port()};
  c.send(get("/hold/a") + get("/hold/b") + get("/fast"));
  front.held.answer("a", text("a"));
  CAF_CHECK_EQUAL(c.next().body, "a");
  front.held.answer("b", text("b"));
  CAF_CHECK_EQUAL(c.next().body, "b");
  const auto r = c.next();
  CAF_CHECK_EQUAL(r.status, 503);
  CAF_CHECK_EQUAL(r.fields.at("retry-after"), "1");
  c.send(get("/fast"));
  CAF_CHECK_EQUAL(c.next().status, 200);
}

CAF_TEST(a header that does not come) {
  http_options options = test::usual_options();
  options.header_timeout_ms = 300;
  server front{options};
  client c{front.port()};
  const auto start = clock::now();
  c.send("GET /fast HTTP/1.1\r\nHo");
  const auto r = c.next();
  CAF_CHECK_EQUAL(r.status, 408);
  CAF_CHECK_GREATER_OR_EQUAL(ms_since(start), 300);
  CAF_CHECK(c.closed());
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_timeouts_total", "header") == 1; }));
}

CAF_TEST(a body that does not come) {
  http_options options = test::usual_options();
  options.body_timeout_ms = 300;
  server front{options};
  client c{front.port()};
  c.send(get("/fast") + "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n12345");
  CAF_CHECK_EQUAL(c.next().status, 200);
  CAF_CHECK_EQUAL(c.next().status, 408);
  CAF_CHECK(c.closed());
}

CAF_TEST(a body that comes too slowly) {
  http_options options = test::usual_options();
  options.body_rate_bytes_per_s_min = 1000;
  server front{options};
  client c{front.port()};
  const auto start = clock::now();
  c.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n12345");
  CAF_CHECK_EQUAL(c.next().status, 408);
  CAF_CHECK_LESS(ms_since(start), 9000);
}

CAF_TEST(an idle connection is closed without a word) {
  http_options options = test::usual_options();
  options.idle_timeout_ms = 300;
  server front{options};
  client fresh{front.port()};
  client used{front.port()};
  used.send(get("/fast"));
  CAF_CHECK_EQUAL(used.next().status, 200);
  CAF_CHECK(used.closed());
  CAF_CHECK(fresh.closed());
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_timeouts_total", "idle") == 2; }));
}

CAF_TEST(a request in work is not idle) {
  http_options options = test::usual_options();
  options.idle_timeout_ms = 200;
  server front{options};
  client c{front.port()};
  client idle{front.port()};
  c.send(get("/hold/long"));
  CAF_CHECK(idle.closed()); // more than the idle time has passed
  front.held.answer("long", text("long"));
  CAF_CHECK_EQUAL(c.next().body, "long");
}

CAF_TEST(the deadline of a request) {
  server front;
  client c{front.port()};
  c.send(get("/polite") + get("/fast"));
  CAF_CHECK_EQUAL(c.next().status, 503);
  CAF_CHECK_EQUAL(c.next().status, 200);
  CAF_CHECK_EQUAL(front.held.expired.load(), 1);
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_timeouts_total", "deadline") == 1; }));
}

CAF_TEST(an actor that ignores the deadline is answered for) {
  server front;
  client c{front.port()};
  const auto start = clock::now();
  c.send(get("/deaf"));
  const auto r = c.next();
  CAF_CHECK_EQUAL(r.status, 503);
  CAF_CHECK_GREATER_OR_EQUAL(ms_since(start), 1200);
  CAF_CHECK_EQUAL(front.held.expired.load(), 1);
  CAF_CHECK(c.closed());
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_requests_in_flight") == 0; }));
}

CAF_TEST(the deadline holds for a client that left) {
  server front;
  client c{front.port()};
  c.send(get("/deaf"));
  CAF_REQUIRE(eventually([&] { return front.metric("beckon_http_requests_in_flight") == 1; }));
  c.reset();
  CAF_CHECK(eventually([&] { return front.held.expired == 1; }));
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_requests_in_flight") == 0; }));
}

CAF_TEST(a client that does not read is reset) {
  http_options options = test::usual_options();
  options.write_timeout_ms = 300;
  server front{options};
  client c{front.port(), 4096};
  c.send(get("/big"));
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_timeouts_total", "write") == 1; }));
  CAF_CHECK_NOT_EQUAL(c.next().status, 200);
  CAF_CHECK(c.was_reset());
}

CAF_TEST(large answers through small buffers) {
  server front;
  client c{front.port(), 4096};
  c.send(get("/big") + get("/fast"));
  const auto r = c.next();
  CAF_CHECK_EQUAL(r.body.size(), big_bytes);
  CAF_CHECK_EQUAL(c.next().body, "fast");
}

CAF_TEST(large answers wait outside of the output) {
  http_options options = test::usual_options();
  server front{options};
  client c{front.port(), 4096};
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  for (auto& name : names)
    c.send(get("/hold/" + name));
  CAF_REQUIRE(eventually([&] { return front.metric("beckon_http_requests_in_flight") == 4; }));
  for (auto& name : names)
    front.held.answer(name, text(std::string(big_bytes, name.front())));
  CAF_REQUIRE(eventually([&] { return front.metric("beckon_http_requests_in_flight") == 0; }));
  // Only the first is in the output, and more than its bound of it waits there.
  CAF_CHECK_EQUAL(front.metric("beckon_http_requests_total", "/hold/{name}"), 1);
  c.send(get("/hold/e")); // not begun while so much is held
  client other{front.port()};
  other.send(get("/fast"));
  CAF_CHECK_EQUAL(other.next().body, "fast");
  CAF_CHECK(!front.held.has("e"));
  for (auto& name : names)
    CAF_CHECK(c.next().body == std::string(big_bytes, name.front()));
  front.held.answer("e", text("e"));
  CAF_CHECK_EQUAL(c.next().body, "e");
}

CAF_TEST(a long pipeline of large answers arrives whole) {
  http_options options = test::usual_options();
  options.pipeline_depth_max = 4;
  server front{options};
  client c{front.port(), 4096};
  std::string all;
  for (int i = 0; i < 20; ++i)
    all += get("/big");
  c.send(all);
  for (int i = 0; i < 20; ++i)
    CAF_REQUIRE_EQUAL(c.next().body.size(), big_bytes);
}

CAF_TEST(bodies in flight are bounded in bytes) {
  http_options options = test::usual_options();
  options.request_bytes_in_flight_max = 1000;
  server front{options};
  auto held_bytes = [&] { return front.metric("beckon_http_request_bytes_in_flight"); };
  client first{front.port()};
  first.send(post("/hold/a", std::string(600, 'a')));
  CAF_REQUIRE(eventually([&] { return held_bytes() == 600; }));
  client c{front.port()};
  c.send(post("/echo", std::string(401, 'x')) + get("/fast") + post("/echo", std::string(400, 'y')));
  const auto refused = c.next();
  CAF_CHECK_EQUAL(refused.status, 503);
  CAF_CHECK_EQUAL(refused.fields.at("retry-after"), "1");
  CAF_CHECK_EQUAL(c.next().body, "fast"); // the connection is kept, and a request without a body passes
  CAF_CHECK_EQUAL(c.next().status, 200);
  front.held.answer("a", text("a"));
  CAF_CHECK_EQUAL(first.next().body, "a");
  c.send(post("/echo", std::string(1000, 'z')));
  CAF_CHECK_EQUAL(c.next().status, 200);
  CAF_CHECK(eventually([&] { return held_bytes() == 0; }));
  CAF_CHECK_EQUAL(front.metric("beckon_http_requests_refused_total", "request_bytes_in_flight"), 1);
}

CAF_TEST(bodies that come in count as well) {
  http_options options = test::usual_options();
  options.request_bytes_in_flight_max = 1000;
  server front{options};
  auto held_bytes = [&] { return front.metric("beckon_http_request_bytes_in_flight"); };
  client slow{front.port()};
  slow.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 900\r\n\r\n" + std::string(600, 's'));
  CAF_REQUIRE(eventually([&] { return held_bytes() == 600; }));
  client announced{front.port()}; // refused before it sends its body
  announced.send("POST /echo HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 401\r\n\r\n");
  CAF_CHECK_EQUAL(announced.next().status, 503);
  CAF_CHECK(announced.closed());
  client chunked{front.port()};
  chunked.send("POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n190\r\n"
               + std::string(400, 'c') + "\r\n");
  CAF_REQUIRE(eventually([&] { return held_bytes() == 1000; }));
  chunked.send("1\r\nc\r\n");
  CAF_CHECK_EQUAL(chunked.next().status, 503);
  CAF_CHECK(chunked.closed());
  CAF_CHECK(eventually([&] { return held_bytes() == 600; }));
  slow.reset();
  CAF_CHECK(eventually([&] { return held_bytes() == 0; }));
}

CAF_TEST(a body counts as long as its actor works though its client left) {
  server front;
  auto held_bytes = [&] { return front.metric("beckon_http_request_bytes_in_flight"); };
  client c{front.port()};
  c.send(post("/hold/gone", "twelve bytes"));
  CAF_REQUIRE(eventually([&] { return held_bytes() == 12; }));
  c.reset();
  CAF_REQUIRE(eventually([&] { return front.metric("beckon_http_connections") == 0; }));
  CAF_CHECK_EQUAL(held_bytes(), 12);
  front.held.answer("gone", text("late"));
  CAF_CHECK(eventually([&] { return held_bytes() == 0; }));
}

CAF_TEST(a client that only sends after our last answer is cut in the end) {
  http_options options = test::usual_options();
  options.linger_ms = 300;
  server front{options};
  client c{front.port()};
  c.send("bad\r\n\r\n");
  CAF_CHECK_EQUAL(c.next().status, 400);
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_timeouts_total", "linger") == 1; }));
  CAF_CHECK(eventually([&] { return front.metric("beckon_http_connections") == 0; }));
}
