#include "apps/beckon/command_line.hpp"

#include "config/configuration.hpp"
#include "json/json.hpp"
#include "json/object_reader.hpp"

#include <charconv>
#include <string_view>
#include <system_error>

namespace beckon::apps {

namespace {

constexpr std::string_view serve_text =
    R"(Runs one node until SIGTERM or SIGINT; it then finishes running requests and exits with 0. A second signal ends
it at once. Prints "listening on http://ADDRESS:PORT" once it answers; the log goes to standard error.
Exits with 1 if it cannot start, with 70 on a fault after which it must not go on.
  --workers N  run N processes on one port, each a node, with the store in a MySQL server; SIGHUP then reloads the
               configuration and replaces one worker after the other without losing a request)";

constexpr std::string_view check_text =
    R"(Checks configuration, data directory, store, ports, descriptors, kernel settings and clocks, and changes
nothing. Prints one line for each: ok, warn or fail, and what to do. Exits with 1 if something would keep a node
from starting.)";

constexpr std::string_view import_text =
    R"(Reads {"settings": {...}, "popups": [...]} (or only the array of popups) and writes what differs from the
catalogue. If anything is wrong, it writes nothing. FILE may be - for standard input.
  --if-empty  do nothing if the catalogue was ever changed
  --url URL   use the HTTP API of a running node; popups are then written one by one)";

constexpr std::string_view export_text =
    R"(Writes settings and popups to standard output in the form that import reads.
  --url URL   use the HTTP API of a running node)";

constexpr std::string_view nodes_text =
    R"(Lists the nodes with their state, the time left of their lease, the number of shards they own, and the shards
on the move. Reads the cluster's tables in the database of [mysql], so it works even if no node answers, and changes
nothing. Exits with 0 if each shard has a living owner, otherwise with 1; the last line says which.
  --json  print one JSON object)";

constexpr std::string_view drain_text =
    R"(NODE is a name or a number that "beckon nodes" shows. The command asks the node through the database to leave.
At its next heartbeat (cluster.heartbeat-ms) the node hands its shards to the others, leaves the list and exits
with 0; no request fails. The command waits for this, even while the database is down. It exits with 1 if the node
has not left in time (the drain goes on) or has died.
  --timeout-s N  how long to wait, 0 to 86400 seconds (default 120)
  --last         drain it even if no other active node is left, which stops the service)";

constexpr std::string_view help_topics = R"(  keys        every configuration key with its default
  ini         the reference cluster.ini
  markdown    the reference as a page of the documentation)";

constexpr std::string_view flags[] = {"--config",  "--help", "--url",  "--if-empty", "--version",
                                      "--workers", "--json", "--last", "--timeout-s"};
constexpr int64_t timeout_s_max = 86400;

/// The value of a flag: after "=", or the next word.
std::optional<std::string> value_of(std::string_view flag, const std::vector<std::string>& words, size_t& i) {
  const auto& word = words[i];
  if (word.size() > flag.size())
    return word.substr(flag.size() + 1);
  if (i + 1 < words.size() && words[i + 1].substr(0, 2) != "--")
    return words[++i];
  return std::nullopt;
}

bool is_flag(const std::string& word, std::string_view flag) {
  return word == flag
         || (word.size() > flag.size() && word.compare(0, flag.size(), flag) == 0
             && word[flag.size()] == '=');
}

/// Takes --key=value or --key value as config::read wants it.
void take_key(command_line& out, const std::vector<std::string>& words, size_t& i) {
  const auto& word = words[i];
  out.keys.push_back(word);
  if (word.find('=') != std::string::npos || i + 1 == words.size())
    return;
  const auto* k = config::find_key(std::string_view{word}.substr(2));
  const auto& next = words[i + 1];
  bool is_boolean = k && k->type == config::value_type::boolean;
  if (is_boolean ? next == "true" || next == "false" : next.compare(0, 2, "--") != 0)
    out.keys.push_back(words[++i]);
}

std::string unknown_flag(const std::string& word) {
  std::vector<std::string_view> known(std::begin(flags), std::end(flags));
  auto name = word.substr(0, word.find('='));
  auto result = "unknown flag " + json::clipped(name);
  if (auto near = json::nearest(name, known))
    result += "; did you mean " + std::string{*near} + '?';
  else
    result += "; configuration keys have a dot, like --http.port=8081";
  return result;
}

void take_timeout(command_line& out, const std::vector<std::string>& words, size_t& i, std::string& problem) {
  auto text = value_of("--timeout-s", words, i).value_or("");
  const auto* end = text.data() + text.size();
  int64_t seconds = 0;
  auto [stop, status] = std::from_chars(text.data(), end, seconds);
  out.timeout_s = seconds;
  if (status != std::errc{} || stop != end || seconds < 0 || seconds > timeout_s_max)
    problem = "--timeout-s: must be a whole number from 0 to " + std::to_string(timeout_s_max);
}

/// Takes one word that begins with a dash. False: `problem` is set.
bool take_flag(command_line& out, const std::vector<std::string>& words, size_t& i, std::string& problem) {
  const auto& word = words[i];
  for (auto [flag, target] : {std::pair{"--config", &out.config}, std::pair{"--url", &out.url}}) {
    if (!is_flag(word, flag))
      continue;
    *target = value_of(flag, words, i);
    if (!*target || (*target)->empty())
      problem = std::string{flag} + ": the value is missing; write " + flag + "=…";
    return problem.empty();
  }
  if (is_flag(word, "--workers")) {
    if (auto count = value_of("--workers", words, i); count && !count->empty())
      out.keys.push_back("--workers.count=" + *count);
    else
      problem = "--workers: the value is missing; write --workers N";
  } else if (is_flag(word, "--worker-seat"))
    out.seat = value_of("--worker-seat", words, i);
  else if (is_flag(word, "--timeout-s"))
    take_timeout(out, words, i, problem);
  else if (word == "--help" || word == "-h")
    out.help = true;
  else if (word == "--if-empty")
    out.if_empty = true;
  else if (word == "--json")
    out.json = true;
  else if (word == "--last")
    out.last = true;
  else if (word == "--version" && out.command.empty())
    out.command = "version";
  else if (word.compare(0, 2, "--") == 0 && word.substr(0, word.find('=')).find('.') != std::string::npos)
    take_key(out, words, i);
  else
    problem = unknown_flag(word);
  return problem.empty();
}

bool check_command(const command_line& line, std::string& problem) {
  if (line.command.empty() || find_command(line.command))
    return true;
  std::vector<std::string_view> known;
  for (const auto& c : commands())
    known.push_back(c.name);
  problem = "unknown command " + json::clipped(line.command);
  if (auto near = json::nearest(line.command, known))
    problem += "; did you mean " + std::string{*near} + '?';
  else
    problem += "; \"beckon help\" lists all";
  return false;
}

bool check_fit(const command_line& line, std::string& problem) {
  bool is_import = line.command == "import";
  bool is_drain = line.command == "drain";
  if (line.if_empty && !is_import)
    problem = "--if-empty belongs to import";
  else if (line.url && !is_import && line.command != "export")
    problem = "--url belongs to import and export";
  else if (line.json && line.command != "nodes")
    problem = "--json belongs to nodes";
  else if ((line.last || line.timeout_s) && !is_drain)
    problem = "--last and --timeout-s belong to drain";
  else if (!line.help && is_import && line.words.size() != 1)
    problem = "import takes one file; write beckon import FILE";
  else if (!line.help && is_drain && line.words.size() != 1)
    problem = "drain takes one node; write beckon drain NODE, with a name or number that beckon nodes shows";
  else if (!is_import && !is_drain && line.command != "help" && !line.words.empty())
    problem = line.command + ": unexpected word " + json::clipped(line.words.front());
  return problem.empty();
}

} // namespace

const std::vector<command>& commands() {
  static const std::vector<command> all = {
      {"serve", "serve [--workers N] [--config FILE] [--KEY=VALUE]…", "run a node", serve_text},
      {"check", "check [--config FILE] [--KEY=VALUE]…", "check whether a node would run well here",
       check_text},
      {"import", "import FILE [--if-empty] [--url URL] [--KEY=VALUE]…", "write a catalogue into the store",
       import_text},
      {"export", "export [--url URL] [--KEY=VALUE]…", "write the catalogue to standard output", export_text},
      {"nodes", "nodes [--json] [--config FILE] [--KEY=VALUE]…", "list the cluster's nodes and what they own",
       nodes_text},
      {"drain", "drain NODE [--timeout-s N] [--last] [--config FILE] [--KEY=VALUE]…",
       "make a node hand over its shards and stop", drain_text},
      {"version", "version", "print the versions of the program and its libraries", ""},
      {"help", "help [COMMAND | keys | ini | markdown]", "print this, or more about one command",
       help_topics},
  };
  return all;
}

const command* find_command(std::string_view name) {
  for (const auto& c : commands()) {
    if (c.name == name)
      return &c;
  }
  return nullptr;
}

std::optional<command_line> parse_command_line(const std::vector<std::string>& words, std::string& problem) {
  command_line result;
  for (size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    if (word.size() > 1 && word.front() == '-') {
      if (!take_flag(result, words, i, problem))
        return std::nullopt;
    } else if (result.command.empty()) {
      result.command = word;
    } else {
      result.words.push_back(word);
    }
  }
  if (!check_command(result, problem) || !check_fit(result, problem))
    return std::nullopt;
  return result;
}

std::string help_text(const command* about) {
  std::string out;
  if (about) {
    out.append("beckon ").append(about->synopsis).append("\n  ").append(about->summary).append("\n");
    if (!about->text.empty())
      out.append("\n").append(about->text).append("\n");
    return out;
  }
  out = "Beckon decides which popup each user sees, and when the next one may follow.\n\n";
  for (const auto& c : commands())
    out.append("  beckon ").append(c.synopsis).append("\n      ").append(c.summary).append("\n");
  out += R"(
Configuration: built-in defaults, then ./cluster.ini if there is one (or --config FILE), then the environment
(BECKON_HTTP_PORT=8081), then --KEY=VALUE. "beckon help keys" lists every key.
)";
  return out;
}

} // namespace beckon::apps
