#include "apps/beckon/check/check_workers.hpp"

namespace beckon::apps {

std::string refusal_of_workers(const config::configuration& cfg) {
  if (cfg.text("storage.backend") != "mysql")
    return "workers.count is " + std::to_string(cfg.integer("workers.count"))
           + ", but storage.backend is sqlite, whose file belongs to one process: use a database server "
             "(--storage.backend=mysql), or a single process (--workers 0)";
  return {};
}

void check_workers(const config::configuration& cfg, check_report& out) {
  if (cfg.integer("workers.count") == 0)
    return;
  if (auto problem = refusal_of_workers(cfg); !problem.empty())
    out.fail(problem);
  else
    out.ok(std::to_string(cfg.integer("workers.count")) + " workers");
}

} // namespace beckon::apps
