#define CAF_SUITE net.broker_inline

#include "broker_fixture.hpp"
#include "net/io_unit.hpp"
#include "tests/net/usual_options.hpp"

#include <caf/all.hpp>
#include <caf/test/unit_test.hpp>

using namespace beckon::net;
using namespace beckon::net::test;

namespace {

exchange_answer_ptr text_to(const request_ptr& r, std::string body) {
  auto result = std::make_shared<exchange_answer>();
  result->id = r->id;
  result->what.content_type = "text/plain";
  result->what.body = std::move(body);
  return result;
}

/// Answers where it ran; `spent_ms` is how long it takes for that.
request_actor::behavior_type located(request_actor::pointer self, request_ptr r, http_broker_actor broker,
                                     std::thread::id io_thread, int spent_ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(spent_ms));
  auto here = std::this_thread::get_id() == io_thread;
  self->send(broker, answer_atom_v, text_to(r, here ? "io" : "scheduler"));
  self->quit();
  return {[](expire_atom) {}};
}

/// Requests that wait for /nudge, by name, and what became of answers that were sent as a request.
struct waiting_room {
  std::mutex mutex;
  std::map<std::string, request_actor> by_name;
  std::atomic<int> receipts{0};
  std::atomic<int> nudged_on_io{0};

  request_actor find(const std::string& name) {
    const std::lock_guard guard{mutex};
    const auto i = by_name.find(name);
    return i == by_name.end() ? request_actor{} : i->second;
  }
};

request_actor::behavior_type held(request_actor::pointer self, request_ptr r, http_broker_actor broker,
                                  std::thread::id io_thread, waiting_room* room) {
  return {[=](expire_atom) {
    if (std::this_thread::get_id() == io_thread)
      ++room->nudged_on_io;
    self->send(broker, answer_atom_v, text_to(r, "nudged"));
    self->quit();
  }};
}

request_actor::behavior_type nudge(request_actor::pointer self, request_ptr r, http_broker_actor broker,
                                   waiting_room* room) {
  self->send(room->find(std::string{r->param("name")}), expire_atom_v);
  self->send(broker, answer_atom_v, text_to(r, "done"));
  self->quit();
  return {[](expire_atom) {}};
}

/// Sends its answer as a request, and ends when the broker has confirmed it.
request_actor::behavior_type confirmed(request_actor::pointer self, request_ptr r, http_broker_actor broker,
                                       waiting_room* room) {
  self->request(broker, std::chrono::seconds(10), answer_atom_v, text_to(r, "confirmed")).then([=] {
    ++room->receipts;
    self->quit();
  });
  return {[](expire_atom) {}};
}

std::vector<route> inline_routes(waiting_room* room) {
  auto where = [](int spent_ms) {
    return [=](const spawn_place& s, request_ptr r, http_broker_actor b) {
      return spawn_at(s, located, std::move(r), std::move(b), std::this_thread::get_id(), spent_ms);
    };
  };
  auto hold = [room](const spawn_place& s, request_ptr r, http_broker_actor b) {
    auto name = std::string{r->param("name")};
    auto a = spawn_at(s, held, std::move(r), std::move(b), std::this_thread::get_id(), room);
    const std::lock_guard guard{room->mutex};
    room->by_name[name] = a;
    return a;
  };
  auto on_room = [room](auto behaviour) {
    return [=](const spawn_place& s, request_ptr r, http_broker_actor b) {
      return spawn_at(s, behaviour, std::move(r), std::move(b), room);
    };
  };
  const auto g = http_method::get;
  std::vector<route> table{{{http_method::post, "/where"}, where(0)},
                           {{g, "/slow"}, where(1)},
                           {{g, "/wait/{name}"}, hold},
                           {{g, "/nudge/{name}"}, on_room(nudge)},
                           {{g, "/confirmed"}, on_room(confirmed)}};
  for (auto& r : table)
    r.quick = true;
  return table;
}

std::string times(size_t n, const std::string& what) {
  std::string result;
  while (n-- > 0)
    result += what;
  return result;
}

struct fixture {
  waiting_room room;
  http_options options = test::usual_options();
  std::unique_ptr<server> front;

  uint16_t open() {
    front = std::make_unique<server>(options, inline_routes(&room));
    return front->port();
  }
  ~fixture() { room.by_name.clear(); }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(broker_inline_tests, fixture)

CAF_TEST(a quick request is worked on by the I / O thread) {
  client c{open()};
  c.send(post("/where", "x"));
  CAF_CHECK_EQUAL(c.next().body, "io");
}

CAF_TEST(with inline_requests_max 0 it never is) {
  options.inline_requests_max = 0;
  client c{open()};
  for (int i = 0; i < 5; ++i) {
    c.send(post("/where", "x"));
    CAF_CHECK_EQUAL(c.next().body, "scheduler");
  }
}

CAF_TEST(with inline_requests_max 1 one request of a turn is) {
  options.inline_requests_max = 1;
  client c{open()};
  for (int i = 0; i < 3; ++i) {
    c.send(times(3, post("/where", "x")));
    CAF_CHECK_EQUAL(c.next().body, "io");
    CAF_CHECK_EQUAL(c.next().body, "scheduler");
    CAF_CHECK_EQUAL(c.next().body, "scheduler");
  }
}

CAF_TEST(a body of exactly the bound is taken and one byte more is not ) {
  options.inline_body_bytes_max = 100;
  client c{open()};
  c.send(post("/where", std::string(100, 'x')));
  CAF_CHECK_EQUAL(c.next().body, "io");
  c.send(post("/where", std::string(101, 'x')));
  CAF_CHECK_EQUAL(c.next().body, "scheduler");
}

CAF_TEST(more pipelined requests than the bound are answered in order) {
  options.inline_requests_max = 4;
  client c{open()};
  std::string all;
  for (int i = 0; i < 300; ++i)
    all += post("/echo", std::to_string(i));
  CAF_REQUIRE(c.send(all));
  for (int i = 0; i < 300; ++i)
    CAF_REQUIRE_EQUAL(c.next().body, std::to_string(i));
}

CAF_TEST(a turn takes no more than the bound from one connection) {
  options.inline_requests_max = 4;
  options.pipeline_depth_max = 16;
  client c{open()};
  c.send(times(16, post("/where", "x")));
  for (int i = 0; i < 16; ++i)
    CAF_CHECK_EQUAL(c.next().body, i < 4 ? "io" : "scheduler");
}

CAF_TEST(a turn ends when its time is up) {
  options.inline_turn_us = 500;
  client c{open()};
  c.send(times(16, get("/slow"))); // of one millisecond
  for (size_t i = 0; i < 16; ++i)
    CAF_CHECK_EQUAL(c.next().body, i < io_unit::runs_per_look ? "io" : "scheduler");
  c.send(get("/slow"));
  CAF_CHECK_EQUAL(c.next().body, "io");
}

CAF_TEST(a connection that pipelines without end does not starve the others) {
  options.inline_requests_max = 8;
  const auto port = open();
  std::atomic<bool> enough{false};
  std::thread busy{[&] {
    client c{port};
    const auto batch = times(16, post("/where", "x"));
    while (!enough && c.send(batch))
      for (int i = 0; i < 16 && c.next().status == 200; ++i)
        continue;
  }};
  client other{port};
  int answered = 0;
  for (int i = 0; i < 100; ++i) {
    other.send(post("/where", "y"));
    answered += other.next().status == 200 ? 1 : 0;
  }
  enough = true;
  busy.join();
  CAF_CHECK_EQUAL(answered, 100);
}

CAF_TEST(an answer to another connection leaves with the same turn) {
  const auto port = open();
  client waiting{port};
  client nudging{port};
  waiting.send(get("/wait/a"));
  CAF_REQUIRE(eventually([&] { return room.find("a") != nullptr; }));
  nudging.send(get("/nudge/a"));
  CAF_CHECK_EQUAL(nudging.next().body, "done");
  CAF_CHECK_EQUAL(waiting.next().body, "nudged");
  CAF_CHECK_EQUAL(room.nudged_on_io, 1);
}

CAF_TEST(an answer to a connection that is gone is dropped and counted) {
  const auto port = open();
  client leaving{port};
  client nudging{port};
  leaving.send(get("/wait/b"));
  CAF_REQUIRE(eventually([&] { return room.find("b") != nullptr; }));
  leaving.reset();
  CAF_REQUIRE(eventually([&] { return front->metric("beckon_http_connections") == 1; }));
  nudging.send(get("/nudge/b"));
  CAF_CHECK_EQUAL(nudging.next().body, "done");
  CAF_CHECK(eventually([&] { return front->metric("beckon_http_late_answers_total") == 1; }));
  CAF_CHECK(eventually([&] { return front->metric("beckon_http_requests_in_flight") == 0; }));
  CAF_CHECK_EQUAL(room.nudged_on_io, 1);
}

CAF_TEST(an answer that is sent as a request is confirmed) {
  client c{open()};
  c.send(get("/confirmed"));
  CAF_CHECK_EQUAL(c.next().body, "confirmed");
  CAF_CHECK(eventually([&] { return room.receipts == 1; }));
}

CAF_TEST_FIXTURE_SCOPE_END()
