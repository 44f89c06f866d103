#include "apps/beckon/workers.hpp"

#include "apps/beckon/app.hpp"
#include "apps/beckon/check_cluster.hpp"
#include "apps/beckon/log.hpp"
#include "apps/beckon/serve.hpp"
#include "apps/beckon/worker_parent.hpp"

#include <cstdio>
#include <memory>
#include <utility>

namespace beckon::apps {

std::string refusal_of_workers(const config::configuration& cfg) {
  if (cfg.text("storage.backend") != "mysql")
    return "workers.count is " + std::to_string(cfg.integer("workers.count"))
           + ", but storage.backend is sqlite, whose file one process owns: keep the data in a server "
             "(--storage.backend=mysql), or serve with one process (--workers 0)";
  return {};
}

int serve_workers(const config::sources& from, const std::vector<std::string>& words) {
  std::string problem;
  auto snapshot = configuration_snapshot::take(from, problem);
  if (!snapshot) {
    std::fprintf(stderr, "beckon: %s\n", problem.c_str());
    return exit_usage;
  }
  start_logging(snapshot->values());
  problem = refusal_of_cluster(snapshot->values());
  auto code = problem.empty() ? exit_failure : exit_usage;
  if (problem.empty())
    problem = refusal_of_workers(snapshot->values());
  if (problem.empty())
    problem = refusal_to_serve(snapshot->values());
  if (problem.empty()) {
    worker_parent parent{from, words, std::move(snapshot)};
    if (problem = parent.open(); problem.empty())
      return parent.run();
  }
  log_line(log_level::error, "the workers cannot start: " + problem);
  return code;
}

} // namespace beckon::apps
