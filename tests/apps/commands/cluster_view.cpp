#define CAF_SUITE apps.cluster_view
#include "apps/beckon/commands/cluster_view.hpp"

#include "apps/beckon/host/tcp_probe.hpp"
#include "json/json.hpp"
#include "storage/cluster_rules.hpp"

#include <caf/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace beckon;
using namespace beckon::apps;
using storage::node_state;
using storage::shard_state;
using storage::cluster_rules::shard_ranges;

namespace {

constexpr int64_t now_ms = 1'800'000'000'000;

storage::cluster_node node(storage::incarnation_id id, const std::string& name,
                           node_state state = node_state::active, int64_t left_ms = 9000) {
  storage::cluster_node n;
  n.incarnation = id;
  n.name = name;
  n.state = state;
  n.address = "10.0.0." + std::to_string(id) + ":7400";
  n.http = "http://127.0.0.1:8080";
  n.version = "0.1.0";
  n.heartbeat_ms = now_ms - 1000;
  n.lease_until_ms = now_ms + left_ms;
  return n;
}

/// Shards 0 to 7, owned by turns.
storage::cluster_picture picture(std::vector<storage::cluster_node> nodes,
                                 const std::vector<storage::incarnation_id>& owners) {
  storage::cluster_picture p;
  p.now_ms = now_ms;
  p.cluster = "shop";
  p.nodes = std::move(nodes);
  for (uint16_t i = 0; i < 8; ++i)
    p.shards.push_back({i, owners[i % owners.size()], 7, shard_state::owned, 0, true});
  return p;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The number of the named node; 0: none.
storage::incarnation_id chosen(const storage::cluster_picture& p, const std::string& word) {
  auto c = choose_node(p, word);
  return c.node ? c.node->incarnation : 0;
}

/// Host and port with a slash between.
std::string place_text(const std::string& text) {
  auto place = place_in(text);
  return place ? place->host + '/' + std::to_string(place->port) : "none";
}

std::string last_line(std::string text) {
  CAF_REQUIRE(!text.empty() && text.back() == '\n');
  text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

} // namespace

CAF_TEST(shards have no owner once the lease has run out) {
  auto p = picture({node(1, "a"), node(2, "b")}, {1, 2});
  CAF_CHECK(shards_without_owner(p).empty() && all_shards_owned(p));
  p.nodes[1].lease_until_ms = now_ms;
  CAF_CHECK_EQUAL(shard_ranges(shards_without_owner(p)), "1, 3, 5, 7");
  CAF_CHECK(!all_shards_owned(p));
  p.nodes[1] = node(2, "b", node_state::dead);
  CAF_CHECK_EQUAL(shards_without_owner(p).size(), 4u);
  p.nodes.pop_back();
  CAF_CHECK_EQUAL(shards_without_owner(p).size(), 4u);
  CAF_MESSAGE("what cannot be read is not said to belong to nobody, and not to be well");
  p = picture({node(1, "a")}, {1});
  p.shards[3].known = false;
  p.trouble = "db2 is away";
  CAF_CHECK(shards_without_owner(p).empty() && !all_shards_owned(p));
  CAF_CHECK_EQUAL(last_line(nodes_text(p)), "the owners of 1 shards are unknown: db2 is away");
}

CAF_TEST(ranges are short) {
  CAF_CHECK_EQUAL(shard_ranges({}), "");
  CAF_CHECK_EQUAL(shard_ranges({4}), "4");
  CAF_CHECK_EQUAL(shard_ranges({0, 1, 2, 5, 7, 8}), "0-2, 5, 7-8");
}

CAF_TEST(the table shows the members and the moves) {
  auto a = node(1, "a");
  a.suspects = {12};
  auto p =
      picture({a, node(12, "Käse", node_state::draining, 1990), node(13, "gone", node_state::dead)}, {1, 12});
  p.shards[5].state = shard_state::draining;
  p.shards[5].next_owner = 1;
  auto text = nodes_text(p);
  CAF_CHECK(has(text, "cluster 'shop', 2027-01-15T08:00:00.000Z by the database's clock\n\n"));
  CAF_CHECK(has(text, "\nNO  NAME  STATE     LEASE  SHARDS  ADDRESS         HTTP                   VERSION  "
                      "SUSPECTED BY\n"));
  CAF_CHECK(
      has(text, "\n 1  a     active    9.0 s       4  10.0.0.1:7400   http://127.0.0.1:8080  0.1.0    -\n"));
  CAF_CHECK(
      has(text, "\n12  Käse  draining  1.9 s       4  10.0.0.12:7400  http://127.0.0.1:8080  0.1.0    1\n"));
  CAF_CHECK(
      has(text, "\n13  gone  dead          -       0  10.0.0.13:7400  http://127.0.0.1:8080  0.1.0    -\n"));
  CAF_CHECK(has(text, "\nnodes: 1 active, 0 joining, 1 draining; 1 dead\n"));
  CAF_CHECK(has(text, "\nmoving: shard 5 from 12 to 1\n"));
  CAF_CHECK_EQUAL(last_line(text), "all 8 shards have a living owner");
}

CAF_TEST(the last line names the problem) {
  CAF_CHECK(has(last_line(nodes_text(picture({}, {0}))), "there are no nodes"));
  auto p = picture({node(1, "a")}, {1});
  p.shards[6].owner = 0;
  CAF_CHECK_EQUAL(last_line(nodes_text(p)).rfind("1 of 8 shards have no living owner (6); ", 0), 0u);
  p.shards[7].owner = 99;
  CAF_CHECK_EQUAL(last_line(nodes_text(p)).rfind("2 of 8 shards have no living owner (6-7); ", 0), 0u);
}

CAF_TEST(of many dead the last are shown) {
  auto p = picture({node(1, "a")}, {1});
  for (storage::incarnation_id id = 2; id < 9; ++id)
    p.nodes.push_back(node(id, "old", node_state::dead));
  auto text = nodes_text(p);
  CAF_CHECK(has(text, "\n 8  old") && has(text, "\n 4  old") && !has(text, "\n 3  old"));
  CAF_CHECK(has(text, "7 dead, of which the last 5 are shown\n"));
}

CAF_TEST(the JSON has everything) {
  auto b = node(2, "b \"quoted\"", node_state::joining, -5);
  auto a = node(1, "a");
  a.suspects = {2};
  auto p = picture({a, b}, {1, 2});
  p.shards[1].state = shard_state::draining;
  p.shards[1].next_owner = 1;
  json::document doc;
  CAF_REQUIRE(!json::parse(nodes_json(p), doc));
  CAF_CHECK_EQUAL(json::view(doc["cluster"]), "shop");
  CAF_CHECK_EQUAL(json::view(doc["as_of"]), "2027-01-15T08:00:00.000Z");
  CAF_CHECK_EQUAL(doc["shards_without_owner"].GetInt(), 4);
  CAF_CHECK_EQUAL(doc["shards_unknown"].GetInt(), 0);
  CAF_CHECK_EQUAL(json::to_string(doc["moves"]), R"([{"shard":1,"from":2,"to":1,"epoch":7}])");
  const auto& second = doc["nodes"][1];
  CAF_CHECK_EQUAL(json::view(second["name"]), "b \"quoted\"");
  CAF_CHECK_EQUAL(json::view(second["state"]), "joining");
  CAF_CHECK_EQUAL(second["lease_left_ms"].GetInt(), 0);
  CAF_CHECK_EQUAL(json::to_string(second["suspected_by"]), "[1]");
  CAF_CHECK_EQUAL(second["shards"].GetInt(), 4);
  CAF_CHECK_EQUAL(json::view(second["owns"]), "1, 3, 5, 7");
}

CAF_TEST(a node is named by its name or its number) {
  auto p = picture({node(1, "a", node_state::dead), node(3, "a"), node(4, "b"), node(5, "b"), node(6, "4"),
                    node(7, "c", node_state::dead)},
                   {3});
  CAF_CHECK_EQUAL(chosen(p, "a"), 3u);
  CAF_CHECK_EQUAL(chosen(p, "5"), 5u);
  auto two = choose_node(p, "b");
  CAF_CHECK(!two.node && has(two.problem, "b (incarnation 4), b (incarnation 5)"));
  CAF_MESSAGE("a number that is somebody's name as well");
  two = choose_node(p, "4");
  CAF_CHECK(!two.node && has(two.problem, "b (incarnation 4), 4 (incarnation 6)"));
  CAF_CHECK(has(choose_node(p, "c").problem, "c (incarnation 7) is dead"));
  CAF_CHECK(has(choose_node(p, "1").problem, "a (incarnation 1) is dead"));
  CAF_CHECK(
      has(choose_node(p, "nowhere").problem, "no node nowhere is there; there are a (incarnation 3), "));
  CAF_CHECK(has(choose_node(picture({node(1, "web-1")}, {1}), "wev-1").problem, "did you mean web-1?"));
  CAF_CHECK(has(choose_node(picture({}, {0}), "a").problem, "there is none at all"));
  CAF_CHECK(has(choose_node(p, "99999999999999999999999").problem, "no node 99999999999999999999999"));
}

CAF_TEST(the last active node is not drained by accident) {
  auto p = picture({node(1, "a"), node(2, "b"), node(3, "c", node_state::joining)}, {1, 2});
  CAF_CHECK(refusal_of_last(p, p.nodes[0]).empty());
  p.nodes[1].lease_until_ms = now_ms - 1;
  CAF_CHECK(has(refusal_of_last(p, p.nodes[0]), "a (incarnation 1) is the last active node"));
  p.nodes[1] = node(2, "b", node_state::draining);
  CAF_CHECK(has(refusal_of_last(p, p.nodes[0]), "--last"));
}

CAF_TEST(workers of one parent know one another by the port) {
  auto p = picture({node(1, "a-1"), node(2, "a-2"), node(3, "a-3", node_state::dead)}, {1});
  p.nodes[1].address = "10.0.0.1:41000";
  p.nodes[2].address = "10.0.0.1:41001";
  CAF_CHECK_EQUAL(neighbours_of(p, p.nodes[0]), "a-2 (incarnation 2)");
  p.nodes[1].address = "10.0.0.2:41000";
  CAF_CHECK_EQUAL(neighbours_of(p, p.nodes[0]), "");
}

CAF_TEST(how far a drain is) {
  auto p = picture({node(1, "a", node_state::draining), node(2, "b")}, {1, 2});
  auto s = drain_state_of(p, 1);
  CAF_CHECK(s.now == drain_state::phase::going);
  CAF_CHECK_EQUAL(s.shards, 4u);
  p.nodes[0].state = node_state::dead;
  CAF_CHECK(drain_state_of(p, 1).now == drain_state::phase::died);
  p.nodes.erase(p.nodes.begin());
  CAF_CHECK(drain_state_of(p, 1).now == drain_state::phase::left);
}

CAF_TEST(places have a host and a port) {
  CAF_CHECK_EQUAL(place_text("10.0.0.1:7400"), "10.0.0.1/7400");
  CAF_CHECK_EQUAL(place_text("[::1]:7400"), "::1/7400");
  CAF_CHECK_EQUAL(place_text("db:3306"), "db/3306");
  for (const char* text : {"", "db", ":7400", "db:", "db:0", "db:70000", "[::1]", "a:1, b:2", "db:x"})
    CAF_CHECK_EQUAL(place_text(text), "none");
  CAF_CHECK(probe("nothing", 10).result == probe_result::failed);
}
