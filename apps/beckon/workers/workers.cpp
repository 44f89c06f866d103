#include "apps/beckon/workers/workers.hpp"

#include "apps/beckon/check/check_cluster.hpp"
#include "apps/beckon/check/check_workers.hpp"
#include "apps/beckon/host/exit_code.hpp"
#include "apps/beckon/serve/log.hpp"
#include "apps/beckon/serve/serve.hpp"
#include "apps/beckon/workers/worker_parent.hpp"

#include <cstdio>
#include <memory>
#include <utility>

namespace beckon::apps {

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
