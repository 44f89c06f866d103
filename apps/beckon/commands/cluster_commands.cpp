#include "apps/beckon/commands/cluster_commands.hpp"

#include "actors/node/open_store.hpp"
#include "apps/beckon/commands/cluster_view.hpp"
#include "apps/beckon/host/exit_code.hpp"
#include "apps/beckon/host/tcp_probe.hpp"
#include "storage/error.hpp"

#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>
#include <unistd.h>
#include <utility>

namespace beckon::apps {

using storage::cluster_node;
using storage::cluster_picture;

namespace {

using clock = std::chrono::steady_clock;
using tables_ptr = std::unique_ptr<storage::cluster_store>;

constexpr std::chrono::milliseconds look_interval{250};
/// After a node has left the tables, it only has to shut down.
constexpr std::chrono::seconds end_wait{5};

int fail(const std::string& what) {
  std::fprintf(stderr, "beckon: %s\n", what.c_str());
  return exit_failure;
}

int print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0)
    return exit_success;
  return fail("the output cannot be written completely");
}

/// Null after an error, which is printed; `code` is then the exit code.
tables_ptr open_tables(const config::configuration& cfg, int& code) {
  if (cfg.text("storage.backend") != "mysql") {
    fail("storage.backend is sqlite, which has no cluster. Name the cluster's database: --config FILE of one "
         "of its nodes, or --storage.backend=mysql --mysql.host=… --mysql.user=… --mysql.password-file=…");
    code = exit_usage;
    return nullptr;
  }
  auto tables = actors::open_cluster_tables(cfg);
  if (tables)
    return std::move(*tables);
  code = fail(storage::describe(tables.error()));
  return nullptr;
}

std::string seconds_since(clock::time_point began) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(clock::now() - began).count())
         + " s";
}

/// One line that is overwritten on a terminal; elsewhere a new line for each change.
class progress {
 public:
  /// Prints only if `what`, without `since`, has changed.
  void show(const std::string& what, const std::string& since) {
    auto changed = what != shown_;
    shown_ = what;
    if (on_terminal_)
      std::printf("\r\033[K%s, %s", what.c_str(), since.c_str());
    else if (changed)
      std::printf("%s, %s\n", what.c_str(), since.c_str());
    std::fflush(stdout);
  }

  void end() {
    if (on_terminal_ && !shown_.empty())
      std::printf("\n");
    std::fflush(stdout);
  }

 private:
  const bool on_terminal_ = ::isatty(STDOUT_FILENO) == 1;
  std::string shown_;
};

/// Why no node of this cluster may be drained; empty if one may.
std::string other_cluster(const config::configuration& cfg, const cluster_picture& picture) {
  const auto& wanted = cfg.text("cluster.name");
  if (cfg.origin_of("cluster.name") == config::origin::built_in || picture.cluster == wanted)
    return {};
  return "this database belongs to the cluster '" + picture.cluster + "', and cluster.name is '" + wanted
         + "'";
}

/// The node being drained, and whether its cluster port was reachable from here before.
struct drained_node {
  const cluster_node& node;
  bool reached;
};

/// A node closes its cluster port last.
int report_end(const drained_node& drained) {
  auto title = title_of(drained.node);
  for (auto until = clock::now() + end_wait; drained.reached && clock::now() < until;) {
    if (probe(drained.node.address, look_interval.count()).result == probe_result::refused)
      return print(title + " has left; its process has ended\n");
    std::this_thread::sleep_for(look_interval);
  }
  return print(title + " has left; its process ends\n");
}

int watch_drain(storage::cluster_store& tables, const drained_node& drained, int64_t timeout_s) {
  const auto& node = drained.node;
  auto began = clock::now();
  auto deadline = began + std::chrono::seconds{timeout_s};
  progress line;
  std::string left;
  for (;;) {
    if (auto picture = tables.look()) {
      auto state = drain_state_of(*picture, node.incarnation);
      if (state.now == drain_state::phase::left) {
        line.end();
        return report_end(drained);
      }
      if (state.now == drain_state::phase::died) {
        line.end();
        return fail(title_of(node)
                    + " has died during the drain: its lease ran out. The others take over its shards");
      }
      left = std::to_string(state.shards) + (state.shards == 1 ? " shard left" : " shards left");
    } else {
      left = "the tables cannot be read: " + storage::describe(picture.error());
    }
    line.show(title_of(node) + ": " + left, seconds_since(began));
    if (clock::now() >= deadline)
      break;
    std::this_thread::sleep_for(look_interval);
  }
  line.end();
  return fail(title_of(node) + " has not left within " + std::to_string(timeout_s) + " s: " + left
              + ". It goes on draining; \"beckon nodes\" shows how far it is");
}

} // namespace

int show_nodes(const config::configuration& cfg, bool as_json) {
  int code = exit_failure;
  auto tables = open_tables(cfg, code);
  if (!tables)
    return code;
  auto picture = tables->look();
  if (!picture)
    return fail(storage::describe(picture.error()));
  if (auto other = other_cluster(cfg, *picture); !other.empty())
    std::fprintf(stderr, "beckon: %s\n", other.c_str());
  if (print(as_json ? nodes_json(*picture) : nodes_text(*picture)) != exit_success)
    return exit_failure;
  return all_shards_owned(*picture) ? exit_success : exit_failure;
}

int drain_node(const config::configuration& cfg, const drain_options& options) {
  int code = exit_failure;
  auto tables = open_tables(cfg, code);
  if (!tables)
    return code;
  auto picture = tables->look();
  if (!picture)
    return fail(storage::describe(picture.error()));
  if (auto other = other_cluster(cfg, *picture); !other.empty())
    return fail(other + "; nothing was done");
  auto chosen = choose_node(*picture, options.node);
  if (!chosen.node)
    return fail(chosen.problem);
  const auto& node = *chosen.node;
  if (auto refusal = refusal_of_last(*picture, node); !refusal.empty() && !options.last)
    return fail(refusal);
  auto reached = probe(node.address, cfg.integer("cluster.connect-timeout-ms")).result == probe_result::open;
  auto noted = tables->drain(node.incarnation);
  if (!noted && storage::code_of(noted.error()) == storage::errc::unknown_outcome)
    noted = tables->drain(node.incarnation);
  if (!noted)
    return fail(storage::describe(noted.error()));
  if (!*noted)
    return fail(title_of(node) + " died or left just now; see \"beckon nodes\"");
  std::printf("%s hands over its shards and then stops\n", title_of(node).c_str());
  if (auto neighbours = neighbours_of(*picture, node); !neighbours.empty())
    std::printf(
        "it shares %s with %s: if these are workers of one \"beckon serve --workers\", the parent starts "
        "another worker in its place; to stop them all, send the parent SIGTERM\n",
        node.http.c_str(), neighbours.c_str());
  std::fflush(stdout);
  return watch_drain(*tables, {node, reached}, options.timeout_s);
}

} // namespace beckon::apps
