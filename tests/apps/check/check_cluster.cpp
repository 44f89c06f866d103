#define CAF_SUITE apps.check_cluster
#include "apps/beckon/check/check_cluster.hpp"

#include <caf/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

using namespace beckon;
using namespace beckon::apps;
using storage::node_state;

namespace {

constexpr int64_t now_ms = 1'800'000'000'000;

config::configuration with(std::vector<std::string> words) {
  words.insert(words.begin(), "--storage.backend=mysql");
  auto cfg = config::read({"", {}, words});
  if (!cfg)
    CAF_FAIL(config::describe(cfg.error()));
  return *cfg;
}

storage::cluster_node node(storage::incarnation_id id, const std::string& name) {
  storage::cluster_node n;
  n.incarnation = id;
  n.name = name;
  n.identity = "id-" + std::to_string(id);
  n.address = "127.0.0.1:" + std::to_string(7400 + id);
  n.http = "http://127.0.0.1:" + std::to_string(8080 + id);
  n.state = node_state::active;
  n.heartbeat_ms = now_ms - 1000;
  n.lease_until_ms = n.heartbeat_ms + 10000;
  return n;
}

storage::cluster_picture picture(std::vector<storage::cluster_node> nodes) {
  storage::cluster_picture p;
  p.now_ms = now_ms;
  p.cluster = "beckon";
  p.nodes = std::move(nodes);
  for (uint16_t i = 0; i < 8; ++i)
    p.shards.push_back({i, p.nodes.empty() ? 0 : p.nodes[0].incarnation, 1});
  return p;
}

std::string reached(const storage::cluster_node&) {
  return {};
}

/// "warn …" and "fail …", one a line.
std::string complaints(const config::configuration& cfg, const storage::cluster_picture& p,
                       const described_node& self, const reach_test& reach = reached) {
  check_report out{nullptr};
  check_members(cfg, p, self, reach, out);
  std::string text;
  for (const auto& line : out.lines())
    if (line.what != verdict::ok)
      text += (line.what == verdict::warn ? "warn " : "fail ") + line.text + '\n';
  return text;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

CAF_TEST(what cannot work is refused with its key) {
  CAF_CHECK_EQUAL(refusal_of_cluster(with({})), "");
  CAF_CHECK(has(refusal_of_cluster(with({"--cluster.own-lease-ms=10000"})), "cluster.own-lease-ms is 10000"));
  CAF_CHECK(has(refusal_of_cluster(with({"--cluster.address=10.0.0.1"})), "cluster.tls-cert"));
  CAF_CHECK(has(refusal_of_cluster(with({"--cluster.advertise=10.0.0.1"})), "write HOST:PORT"));
  CAF_CHECK_EQUAL(refusal_of_cluster(with({"--cluster.advertise=10.0.0.1:7400"})), "");
  CAF_MESSAGE("the embedded store has no cluster");
  CAF_CHECK_EQUAL(refusal_of_cluster(with({"--cluster.address=10.0.0.1", "--storage.backend=sqlite"})), "");
}

CAF_TEST(workers take free ports) {
  CAF_CHECK_EQUAL(refusal_of_cluster(with({"--workers.count=2"})), "");
  CAF_CHECK_EQUAL(refusal_of_cluster(with({"--workers.count=2", "--durability.claims=queued"})), "");
  auto refusal = refusal_of_cluster(with({"--workers.count=2", "--cluster.port=7400"}));
  CAF_CHECK(has(refusal, "cluster.port is 7400") && has(refusal, "leave it 0"));
  CAF_CHECK(has(refusal_of_cluster(with({"--workers.count=2", "--cluster.advertise=h:1"})),
                "cluster.advertise is h:1"));
}

CAF_TEST(a sound cluster is fine) {
  CAF_CHECK_EQUAL(complaints(with({}), picture({}), {{"n"}, {}, {}}), "");
  CAF_CHECK_EQUAL(complaints(with({}), picture({node(1, "a"), node(2, "b")}), {{"c"}, {}, {}}), "");
}

CAF_TEST(a database of another cluster is refused) {
  CAF_CHECK(has(complaints(with({"--cluster.name=shop"}), picture({}), {}),
                "fail the database belongs to the cluster 'beckon', and cluster.name is 'shop'"));
  auto fresh = picture({});
  fresh.cluster.clear();
  CAF_CHECK_EQUAL(complaints(with({"--cluster.name=shop"}), fresh, {}), "");
}

CAF_TEST(an unreachable node keeps a node from joining) {
  auto p = picture({node(1, "a"), node(2, "b"), node(3, "c"), node(4, "d")});
  p.nodes[2].lease_until_ms = now_ms - 1;
  p.nodes[3].state = node_state::dead;
  auto nowhere = [](const storage::cluster_node& n) {
    return n.incarnation == 1 ? "" : "Connection refused";
  };
  auto text = complaints(with({}), p, {{"e"}, {}, {}}, nowhere);
  CAF_CHECK(has(text, "fail b (incarnation 2) cannot be reached at 127.0.0.1:7402: Connection refused"));
  CAF_MESSAGE("nor is this very node asked, nor who is gone");
  CAF_CHECK(!has(text, "c (inc") && !has(text, "d (inc"));
  CAF_CHECK_EQUAL(complaints(with({}), p, {{"b"}, {"id-2"}, {}}, nowhere), "");
}

CAF_TEST(a name belongs to one node) {
  auto p = picture({node(1, "a"), node(2, "a")});
  CAF_CHECK(has(complaints(with({}), p, {{"b"}, {}, {}}),
                "warn 2 nodes are called a (127.0.0.1:7401, 127.0.0.1:7402)"));
  p = picture({node(1, "a")});
  CAF_CHECK(has(complaints(with({}), p, {{"a"}, {}, {}}), "warn another node is called a already"));
  CAF_CHECK(has(complaints(with({}), p, {{"a"}, {"id-7"}, {}}), "another node is called a"));
  CAF_CHECK_EQUAL(complaints(with({}), p, {{"a"}, {"id-7", "id-1"}, {}}), "");
  CAF_CHECK_EQUAL(complaints(with({}), p, {{"a"}, {}, "http://127.0.0.1:8081"}), "");
}

CAF_TEST(leases and owners are looked at) {
  auto text = complaints(with({"--cluster.lease-ms=12000"}), picture({node(1, "a")}), {});
  CAF_CHECK(has(text, "warn a (incarnation 1) has cluster.lease-ms 10000, but here it is 12000"));
  auto p = picture({node(1, "a")});
  p.shards[2].owner = 9;
  CAF_CHECK(has(complaints(with({}), p, {}), "warn 1 shards have no living owner"));
}

CAF_TEST(a node is known by its data directory) {
  auto directory =
      std::filesystem::temp_directory_path() / ("beckon-check-cluster-" + std::to_string(::getpid()));
  std::filesystem::create_directories(directory / "worker-2");
  auto here = "--node.data-dir=" + directory.string();
  CAF_CHECK(node_described(with({here})).identities.empty());
  std::ofstream{directory / "node.id"} << "one\n";
  std::ofstream{directory / "worker-2" / "node.id"} << "two\n";
  auto self = node_described(with({here, "--node.name=web", "--workers.count=2"}));
  CAF_CHECK(self.names == (std::vector<std::string>{"web-1", "web-2"}));
  CAF_CHECK(self.identities == (std::vector<std::string>{"one", "two"}));
  CAF_CHECK_EQUAL(self.http, "");
  CAF_MESSAGE("without an outbox it is another one after each start");
  CAF_CHECK_EQUAL(node_described(with({here, "--durability.events=store"})).http, "http://127.0.0.1:8080");
  CAF_CHECK(!node_described(with({})).names.front().empty());
  std::filesystem::remove_all(directory);
}
