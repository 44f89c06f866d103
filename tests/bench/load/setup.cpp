#define CAF_SUITE load.setup

#include "bench/load/command_line.hpp"
#include "bench/load/mix.hpp"
#include "bench/load/request_maker.hpp"
#include "json/json.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace beckon;
using namespace beckon::load;

namespace {

constexpr int64_t second_ns = 1'000'000'000;

std::string url_refusal(std::string_view url) {
  std::string problem;
  CAF_CHECK(!parse_node_url(url, problem));
  return problem;
}

std::string refusal(const std::vector<std::string>& words) {
  std::string problem;
  CAF_CHECK(!parse_command_line(words, problem));
  return problem;
}

std::string mix_refusal(std::string_view text) {
  std::string problem;
  CAF_CHECK(!parse_mix(text, problem));
  return problem;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

request_maker::setup setup_of(uint64_t thread = 0, uint64_t threads = 1) {
  return {9, thread, threads, "run-" + std::to_string(thread)};
}

mix busy_mix() {
  mix m;
  m.users = 50;
  m.placements = {"home", "cart", "end"};
  m.placements_per_decide = 2;
  m.shares = {5, 3, 1, 1};
  m.batch_max = 3;
  m.event_types = {"click", "custom"};
  m.event_weights = {1, 1};
  return m;
}

} // namespace

CAF_TEST(nodes are on loopback or refused) {
  std::string problem;
  auto node = parse_node_url("http://localhost:8080/", problem);
  CAF_REQUIRE(node);
  CAF_CHECK_EQUAL(node->url, "http://127.0.0.1:8080");
  CAF_CHECK_EQUAL(node->host, "127.0.0.1:8080");
  CAF_CHECK(parse_node_url("http://127.255.0.9:1", problem));
  for (std::string_view url : {"http://10.0.0.1:80", "http://128.0.0.1:80", "http://0.0.0.0:80",
                               "http://example.org:80", "http://127.0.0.1.example.org:80", "http://[::1]:80"})
    CAF_CHECK(contains(url_refusal(url), "loopback"));
  for (std::string_view url : {"https://127.0.0.1:1", "127.0.0.1:1", "", "http://127.0.0.1:0",
                               "http://127.0.0.1:65536", "http://127.0.0.1:8080/v1", "http://127.0.0.1:"})
    CAF_CHECK(contains(url_refusal(url), "write http://127.0.0.1:PORT"));
}

CAF_TEST(a call of run) {
  std::string problem;
  auto line = parse_command_line({"run", "--url=http://127.0.0.1:1", "--url", "http://127.0.0.1:2", "--rate",
                                  "max", "--resend=off", "--ledger", "d", "--seed", "18446744073709551615"},
                                 problem);
  CAF_REQUIRE(line);
  CAF_CHECK_EQUAL(line->run.nodes.size(), 2u);
  CAF_CHECK_EQUAL(line->run.rate, 0u);
  CAF_CHECK(!line->run.resend);
  CAF_CHECK_EQUAL(line->run.ledger, "d");
  CAF_CHECK_EQUAL(line->run.seed, UINT64_MAX);
}

CAF_TEST(wrong calls say what to write) {
  const std::string url = "--url=http://127.0.0.1:1";
  CAF_CHECK(contains(refusal({"runn"}), "known are run"));
  CAF_CHECK(contains(refusal({"run"}), "--url"));
  CAF_CHECK(contains(refusal({"verify", url}), "--ledger"));
  CAF_CHECK(contains(refusal({"run", url, "--rat=5"}), "did you mean --rate"));
  CAF_CHECK(contains(refusal({"run", url, "--rate=0"}), "from 1"));
  CAF_CHECK(contains(refusal({"run", url, "--rate=5x"}), "whole number"));
  CAF_CHECK(contains(refusal({"run", url, "--rate"}), "missing"));
  CAF_CHECK(contains(refusal({"run", url, "--others=allow"}), "unknown"));
  CAF_CHECK(contains(refusal({"run", url, "fast"}), "unexpected word"));
  CAF_CHECK(contains(refusal({"run", url, "--threads=9", "--connections=8"}), "raise --connections"));
  CAF_CHECK(contains(refusal({"run", "--url=http://192.168.0.1:1"}), "loopback"));
}

CAF_TEST(a mix is read and its mistakes are named) {
  std::string problem;
  auto m = parse_mix(R"({"users": {"count": 7, "distribution": "zipf", "exponent": 1.2, "prefix": "v-"},
    "placements": ["a", "b"], "placements_per_decide": 2,
    "shares": {"decide": 1, "decide_with_request_id": 2, "retry": 3, "events": 4},
    "events": {"batch_min": 2, "batch_max": 9, "types": {"click": 1, "custom": 2}, "popups": ["x"]},
    "event_for_each_claim": "impression", "connection": "per-request"})",
                     problem);
  CAF_REQUIRE(m);
  CAF_CHECK(m->users == 7 && m->order == users_by::zipf && m->user_prefix == "v-");
  CAF_CHECK(m->shares == (std::vector<double>{1, 2, 3, 4}) && m->batch_max == 9 && !m->keep_alive);
  CAF_CHECK(parse_mix("{}", problem)->shares == (std::vector<double>{1, 0, 0, 0}));
  CAF_CHECK(contains(mix_refusal("{"), "no valid JSON"));
  CAF_CHECK(contains(mix_refusal("[]"), "the mix"));
  CAF_CHECK(contains(mix_refusal(R"({"shared": {}})"), "shares"));
  CAF_CHECK(contains(mix_refusal(R"({"shares": {"decide": 0}})"), "above 0"));
  CAF_CHECK(contains(mix_refusal(R"({"shares": {"retry": 1}})"), "/shares/retry"));
  CAF_CHECK(contains(mix_refusal(R"({"events": {"batch_min": 60}})"), "/events/batch_min"));
  CAF_CHECK(contains(mix_refusal(R"({"events": {"types": {"clack": 1}}})"), "/events/types"));
  CAF_CHECK(contains(mix_refusal(R"({"users": {"count": 0}})"), "/users/count"));
  CAF_CHECK(contains(mix_refusal(R"({"connection": "none"})"), "/connection"));
}

CAF_TEST(the same seed gives the same requests and every one is as the API wants it) {
  auto m = busy_mix();
  request_maker one{m, setup_of()};
  request_maker other{m, setup_of()};
  std::map<kind, int> seen;
  std::set<std::string> ids;
  for (int i = 0; i < 2'000; ++i) {
    auto r = one.next(0, 1'000);
    CAF_REQUIRE_EQUAL(r.body, other.next(0, 1'000).body);
    ++seen[r.kind];
    json::document body;
    CAF_REQUIRE(!json::parse(r.body, body));
    if (r.count == 0) {
      CAF_CHECK_EQUAL(body["placements"].Size(), 2u);
      CAF_CHECK_EQUAL(body.HasMember("request_id"), r.kind != kind::decide);
      continue;
    }
    CAF_CHECK_EQUAL(body["events"].Size(), r.count);
    for (const auto& e : body["events"].GetArray())
      CAF_CHECK(ids.insert(e["id"].GetString()).second);
  }
  CAF_CHECK(seen[kind::decide] > 900 && seen[kind::decide_id] > 500 && seen[kind::retry] > 120
            && seen[kind::events] > 120);
}

CAF_TEST(a retry repeats an earlier request) {
  auto m = busy_mix();
  request_maker maker{m, setup_of()};
  std::map<std::string, std::string> bodies;
  for (int i = 0; i < 1'000; ++i) {
    auto r = maker.next(0, 1'000);
    if (r.request_id.empty())
      continue;
    bool fresh = bodies.emplace(r.request_id, r.body).second;
    CAF_CHECK_EQUAL(fresh, r.kind == kind::decide_id);
    CAF_CHECK_EQUAL(bodies[r.request_id], r.body);
  }
}

CAF_TEST(users in turn come once each over all threads) {
  mix m;
  m.users = 100;
  m.order = users_by::in_turn;
  request_maker even{m, setup_of(0, 2)};
  request_maker odd{m, setup_of(1, 2)};
  std::set<std::string> users;
  for (int i = 0; i < 50; ++i)
    for (auto* maker : {&even, &odd})
      CAF_CHECK(users.insert(maker->next(0, 0).user).second);
  CAF_CHECK_EQUAL(users.size(), 100u);
}

CAF_TEST(each claim is reported once) {
  mix m;
  m.claim_event = "impression";
  request_maker maker{m, setup_of()};
  auto asked = maker.next(0, 0);
  decide_answer answer;
  answer.decision = "d-1";
  answer.shown = {{"home", "p", 1, "b"}};
  maker.showed(asked, answer);
  auto event = maker.next(0, 0);
  CAF_CHECK(event.kind == kind::claim_event && event.count == 1 && contains(event.body, "d-1"));
  CAF_CHECK(maker.next(0, 0).kind == kind::decide);
  asked.kind = kind::retry;
  maker.showed(asked, answer);
  CAF_CHECK(maker.next(0, 0).kind == kind::decide);
}

CAF_TEST(a batch without an answer comes again with the same ids and later each time) {
  mix m;
  m.shares = {0, 0, 0, 1};
  request_maker maker{m, setup_of()};
  auto batch = maker.next(0, 1'000);
  auto body = batch.body;
  int64_t now_ns = 0;
  for (int attempt = 0; attempt < 8; ++attempt) {
    CAF_REQUIRE(maker.again(std::move(batch), now_ns, 0));
    auto back_off_ns = int64_t{100'000'000} << std::min(attempt, 4);
    CAF_CHECK(!maker.has_resend(now_ns + back_off_ns - 1));
    CAF_CHECK(maker.has_resend(now_ns + back_off_ns));
    CAF_CHECK(maker.next(now_ns, 1'000).kind == kind::events);
    now_ns += 2 * second_ns;
    batch = maker.next(now_ns, 2'000);
    CAF_CHECK(batch.kind == kind::resend);
    CAF_REQUIRE_EQUAL(batch.body, body);
  }
  CAF_CHECK(maker.again(std::move(batch), now_ns, 5 * second_ns));
  CAF_CHECK(!maker.has_resend(now_ns + 4 * second_ns));
  CAF_CHECK(maker.has_resend(now_ns + 5 * second_ns));
}

CAF_TEST(batches to send again are bounded) {
  mix m;
  m.shares = {0, 0, 0, 1};
  request_maker maker{m, setup_of()};
  auto batch = maker.next(0, 1'000);
  batch.body.assign(size_t{1} << 20, 'x');
  size_t taken = 0;
  while (taken < 1'000 && maker.again(batch, 0, 0))
    ++taken;
  CAF_CHECK_EQUAL(taken, 64u);
}
