#include "apps/beckon/app.hpp"

#include "apps/beckon/check/check.hpp"
#include "apps/beckon/command_line.hpp"
#include "apps/beckon/commands/catalog_commands.hpp"
#include "apps/beckon/commands/cluster_commands.hpp"
#include "apps/beckon/commands/versions.hpp"
#include "apps/beckon/host/exit_code.hpp"
#include "apps/beckon/serve/serve.hpp"
#include "apps/beckon/serve/worker_seat.hpp"
#include "apps/beckon/workers/workers.hpp"
#include "config/configuration.hpp"
#include "json/json.hpp"
#include "json/object_reader.hpp"

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace beckon::apps {

namespace {

constexpr const char* default_file = "cluster.ini";

int refuse(const std::string& problem) {
  std::fprintf(stderr, "beckon: %s\n", problem.c_str());
  return exit_usage;
}

/// Fails unless everything was written: a full disk must not look like success.
int print(const std::string& text) {
  auto written = std::fwrite(text.data(), 1, text.size(), stdout);
  if (written == text.size() && std::fflush(stdout) == 0)
    return exit_success;
  std::fprintf(stderr, "beckon: the output cannot be written completely\n");
  return exit_failure;
}

int help(const command_line& line) {
  if (line.words.empty())
    return print(help_text(nullptr));
  const auto& topic = line.words.front();
  if (topic == "keys")
    return print(config::reference_help());
  if (topic == "ini")
    return print(config::reference_ini());
  if (topic == "markdown")
    return print(config::reference_markdown());
  if (const auto* about = find_command(topic))
    return print(help_text(about));
  std::vector<std::string_view> known = {"keys", "ini", "markdown"};
  for (const auto& c : commands())
    known.push_back(c.name);
  auto near = json::nearest(topic, known);
  return refuse(
      "no help about " + json::clipped(topic)
      + (near ? "; did you mean " + std::string{*near} + '?' : "; \"beckon help\" lists all topics"));
}

config::sources sources_of(const command_line& line) {
  config::sources from;
  std::error_code ignored;
  if (line.config)
    from.file = *line.config;
  else if (std::filesystem::exists(default_file, ignored))
    from.file = default_file;
  for (char** entry = environ; *entry; ++entry)
    from.environment.emplace_back(*entry);
  from.arguments = line.keys;
  return from;
}

int run_configured(const command_line& line, const std::vector<std::string>& words,
                   const actors::additions& added) {
  // Files in the data directory hold users' data: only this account may read them.
  ::umask(0077);
  auto from = sources_of(line);
  auto cfg = config::read(from);
  if (line.command == "check")
    return cfg ? check(*cfg) : check_refused(config::describe(cfg.error()));
  if (!cfg)
    return refuse(config::describe(cfg.error()));
  if (line.command == "import")
    return import_catalog(*cfg, {line.words.front(), line.if_empty, line.url});
  if (line.command == "export")
    return export_catalog(*cfg, line.url);
  if (line.command == "nodes")
    return show_nodes(*cfg, line.json);
  if (line.command == "drain")
    return drain_node(*cfg, {line.words.front(), line.last, line.timeout_s.value_or(120)});
  if (line.seat) {
    auto seat = seat_of(*line.seat);
    return seat ? serve(*cfg, seat->file, added, *seat) : refuse("--worker-seat is for workers alone");
  }
  if (cfg->integer("workers.count") > 0)
    return serve_workers(from, words);
  return serve(*cfg, from.file, added, {});
}

int run_command(const std::vector<std::string>& words, const actors::additions& added) {
  std::string problem;
  auto line = parse_command_line(words, problem);
  if (!line)
    return refuse(problem);
  if (line->help)
    return print(help_text(find_command(line->command)));
  if (line->command == "help")
    return help(*line);
  if (line->command == "version")
    return print(versions());
  if (line->command.empty()) {
    std::fputs(help_text(nullptr).c_str(), stderr);
    return exit_usage;
  }
  return run_configured(*line, words, added);
}

} // namespace

int run(int argc, char** argv, const actors::additions& added) {
  try {
    return run_command({argv + (argc > 0 ? 1 : 0), argv + argc}, added);
  } catch (const std::exception& e) {
    // Not expected, but a reported reason is better than a lost one.
    std::fprintf(stderr, "beckon: %s\n", e.what());
    return exit_failure;
  }
}

} // namespace beckon::apps
