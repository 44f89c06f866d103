#include "apps/beckon/check/check_cluster.hpp"

#include "actors/members/open_cluster.hpp"
#include "actors/node/open_store.hpp"
#include "apps/beckon/check/check_kernel.hpp"
#include "apps/beckon/commands/cluster_view.hpp"
#include "apps/beckon/host/host.hpp"
#include "apps/beckon/host/tcp_probe.hpp"
#include "peers/peer_socket.hpp"
#include "storage/error.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>

namespace beckon::apps {

using storage::cluster_node;
using storage::cluster_picture;

namespace {

bool has(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::vector<const cluster_node*> living_of(const cluster_picture& picture) {
  std::vector<const cluster_node*> out;
  for (const auto& n : picture.nodes)
    if (is_living(picture, n.incarnation))
      out.push_back(&n);
  return out;
}

bool is_self(const described_node& self, const cluster_node& n) {
  return self.identities.empty() ? !self.http.empty() && n.http == self.http
                                 : has(self.identities, n.identity);
}

void check_names(const std::vector<const cluster_node*>& living, const described_node& self,
                 check_report& out) {
  std::map<std::string, std::vector<const cluster_node*>> by_name;
  for (const auto* n : living)
    by_name[n->name].push_back(n);
  const std::string remedy = "give each node its own node.name, so that people can tell them apart";
  for (const auto& [name, nodes] : by_name) {
    auto places = nodes.front()->address;
    for (size_t i = 1; i < nodes.size(); ++i)
      places += ", " + nodes[i]->address;
    if (nodes.size() > 1)
      out.warn(std::to_string(nodes.size()) + " nodes are called " + name + " (" + places + ')', remedy);
    else if (has(self.names, name) && !is_self(self, *nodes.front()))
      out.warn("another node is called " + name + " already (" + places + ')', remedy);
  }
}

void check_leases(const config::configuration& cfg, const std::vector<const cluster_node*>& living,
                  check_report& out) {
  auto lease_ms = cfg.integer("cluster.lease-ms");
  for (const auto* n : living)
    if (auto theirs = n->lease_until_ms - n->heartbeat_ms; theirs != lease_ms)
      out.warn(title_of(*n) + " has cluster.lease-ms " + std::to_string(theirs) + ", but here it is "
                   + std::to_string(lease_ms),
               "give all nodes the same");
}

/// Checks the port for other nodes, if it is fixed.
void check_door(const config::configuration& cfg, const std::vector<const cluster_node*>& living,
                const described_node& self, check_report& out) {
  const auto& address = cfg.text("cluster.address");
  auto port = static_cast<uint16_t>(cfg.integer("cluster.port"));
  std::string problem;
  if (peers::listen_on(address, port, problem)) {
    out.ok(port == 0 ? "cluster.address " + address + ": other nodes use any free port"
                     : "the port for other nodes is free: " + address + ':' + std::to_string(port));
    return;
  }
  auto holder = std::find_if(living.begin(), living.end(), [&](const cluster_node* n) {
    auto place = place_in(n->address);
    return is_self(self, *n) || (place && place->host == address && place->port == port);
  });
  if (holder == living.end())
    out.fail(problem);
  else if (is_self(self, **holder))
    out.ok("the port for other nodes is in use by this node, which is running: " + title_of(**holder));
  else
    out.fail(problem, title_of(**holder) + " has it");
}

void check_present(const cluster_picture& picture, const std::vector<const cluster_node*>& living,
                   check_report& out) {
  if (living.empty()) {
    out.ok("the cluster has no nodes yet: the first one takes all shards");
    return;
  }
  std::string list;
  for (const auto* n : living)
    list += (list.empty() ? "" : ", ") + title_of(*n) + ' ' + to_string(n->state);
  out.ok("cluster '" + picture.cluster + "': " + list);
  if (auto orphans = shards_without_owner(picture).size(); orphans != 0)
    out.warn(std::to_string(orphans) + " shards have no living owner", "see \"beckon nodes\"");
  if (!picture.trouble.empty())
    out.warn("the owners of some shards are unknown: " + picture.trouble, "check that database");
}

void warn_of_vain_keys(const config::configuration& cfg, check_report& out) {
  auto set = [&](const config::key& k) {
    return k.name.rfind("cluster.", 0) == 0 && cfg.origin_of(k.name) != config::origin::built_in;
  };
  const auto& all = config::keys();
  if (auto k = std::find_if(all.begin(), all.end(), set); k != all.end())
    out.warn(std::string{k->name} + " is set, but a node with storage.backend sqlite is never in a cluster",
             "set storage.backend to mysql, or remove [cluster]");
}

} // namespace

std::string refusal_of_cluster(const config::configuration& cfg) {
  if (cfg.text("storage.backend") != "mysql")
    return {};
  if (auto problem = actors::check_cluster(cfg); !problem.empty())
    return problem;
  const auto& advertised = cfg.text("cluster.advertise");
  if (!advertised.empty() && !place_in(advertised))
    return "cluster.advertise is \"" + advertised
           + "\"; write HOST:PORT, like 192.0.2.7:7400 or [2001:db8::7]:7400";
  if (cfg.integer("workers.count") == 0)
    return {};
  const std::string why = ", but each worker is a node with its own port, and during a replacement there "
                          "are two of one worker";
  if (auto port = cfg.integer("cluster.port"); port != 0)
    return "cluster.port is " + std::to_string(port) + why
           + ": leave it 0, so that they use free ports; or serve with one process "
             "(--workers 0)";
  if (!advertised.empty())
    return "cluster.advertise is " + advertised + why
           + ": leave it empty, so that other nodes use cluster.address; or serve with one process "
             "(--workers 0)";
  return {};
}

described_node node_described(const config::configuration& cfg) {
  described_node self;
  auto workers = cfg.integer("workers.count");
  auto name = name_of_node(cfg);
  for (int64_t k = 1; k <= workers; ++k)
    self.names.push_back(name + '-' + std::to_string(k));
  if (workers == 0)
    self.names.push_back(name);
  auto take = [&](const std::filesystem::path& directory) {
    std::string id;
    if (std::ifstream in{directory / "node.id"}; in && std::getline(in, id) && !id.empty())
      self.identities.push_back(id);
  };
  const auto& data_dir = cfg.text("node.data-dir");
  take(data_dir);
  std::error_code status;
  for (std::filesystem::directory_iterator i{data_dir, status}; !status && i != decltype(i){};
       i.increment(status))
    if (i->path().filename().string().rfind("worker-", 0) == 0)
      take(i->path());
  // Without an outbox each process has a new identity.
  auto port = static_cast<uint16_t>(cfg.integer("http.port"));
  if (cfg.text("durability.events") == "store" && port != 0)
    self.http = url_of(cfg.text("http.address"), port);
  return self;
}

void check_members(const config::configuration& cfg, const cluster_picture& picture,
                   const described_node& self, const reach_test& reach, check_report& out) {
  const auto& wanted = cfg.text("cluster.name");
  if (!picture.cluster.empty() && picture.cluster != wanted)
    out.fail("the database belongs to the cluster '" + picture.cluster + "', and cluster.name is '" + wanted
                 + '\'',
             "use the same name, or another database for this node");
  auto living = living_of(picture);
  check_present(picture, living, out);
  size_t reached = 0;
  for (const auto* n : living) {
    if (is_self(self, *n))
      continue;
    if (auto problem = reach(*n); problem.empty())
      ++reached;
    else
      out.fail(title_of(*n) + " cannot be reached at " + n->address + ": " + problem,
               "a node joins only if it reaches all others: open the network path, or check with \"beckon "
               "nodes\" whether "
               "that node is alive");
  }
  if (reached > 0)
    out.ok(std::to_string(reached) + (reached == 1 ? " other node is" : " other nodes are")
           + " reached by TCP");
  check_names(living, self, out);
  check_leases(cfg, living, out);
}

own_node check_cluster(const config::configuration& cfg, check_report& out) {
  if (cfg.text("storage.backend") != "mysql") {
    warn_of_vain_keys(cfg, out);
    return own_node::unknown;
  }
  auto refusal = refusal_of_cluster(cfg);
  std::istringstream lines{refusal};
  for (std::string line; std::getline(lines, line);)
    out.fail(line);
  if (refusal.empty())
    out.ok(cfg.text("cluster.tls-cert").empty()
               ? "cluster: time-outs are consistent; without certificates links work on loopback only"
               : "cluster: time-outs are consistent, and the certificates are valid");
  auto self = node_described(cfg);
  cluster_picture picture;
  auto tables = actors::open_cluster_tables(cfg);
  if (tables) { // otherwise the check of the tables reports it
    if (auto looked = (*tables)->look())
      picture = std::move(*looked);
    else
      out.fail("the cluster's tables: " + storage::describe(looked.error()));
  }
  auto living = living_of(picture);
  check_door(cfg, living, self, out);
  if (picture.shards.empty())
    return own_node::unknown;
  auto wait_ms = cfg.integer("cluster.connect-timeout-ms");
  auto reach = [wait_ms](const cluster_node& n) { return probe(n.address, wait_ms).reason; };
  check_members(cfg, picture, self, reach, out);
  auto runs = std::any_of(living.begin(), living.end(), [&](const auto* n) { return is_self(self, *n); });
  return runs ? own_node::present : own_node::absent;
}

} // namespace beckon::apps
