#include "bench/load/command_line.hpp"

#include "json/json.hpp"
#include "json/object_reader.hpp"

#include <charconv>

namespace beckon::load {

namespace {

constexpr std::string_view help =
    R"(beckon-load: open-loop load for a Beckon node, with a ledger to verify what the node kept

beckon-load run --url http://127.0.0.1:8080 [--url …] [options]
  sends requests at a fixed rate; latencies count from the moment the request was due
  --url URL          a node; several: connections are spread over them. Loopback addresses only
  --rate N           requests a second, 1 to 10,000,000; max: closed loop, as fast as the answers come (1000)
  --seconds N        how long, 1 to 86,400 (10)
  --connections N    1 to 60,000 (64)
  --threads N        1 to 64 (1)
  --mix FILE         which requests, JSON; see docs/load.md (decides for 10,000 users at the placement "home")
  --ledger DIR       records requests and answers there, for verify
  --seed N           the same seed and mix give the same requests (1)
  --timeout-ms N     for one request, 1 to 600,000 (10000)
  --drain-seconds N  how long to wait for missing answers after the end, 0 to 600 (5)
  --resend on|off    resend batches with the same ids until they are answered (on)
  --json FILE        the figures as JSON; - for standard output
  Exits with 0 if the run reached its end, whatever the node did; the table counts the errors.

beckon-load verify --url http://127.0.0.1:8080 --ledger DIR [--ledger …] [options]
  reads the store through the node and checks it against the ledgers: nothing lost, nothing twice, nothing that
  was never sent, no popup too early, every showing charged, every repeated request answered alike
  --wait-seconds N   wait for confirmed events that an outbox has not shipped yet, 0 to 3600 (30)
  --users-max N      users whose state is checked one by one, 0 to 100,000,000 (10000)
  --clock-error-ms N maximum difference of the clocks of nodes and generator, 0 to 60,000 (0)
  --others allow     events of others may be in the store; otherwise each is a finding
  --json FILE        the result as JSON; - for standard output
  Exits with 0 without a finding, with 1 with one, and with 3 if it could not verify.

beckon-load help     prints this
A wrong call exits with 2.
)";

struct number_flag {
  std::string_view name;
  uint64_t min;
  uint64_t max;
  uint64_t* target;
};

struct text_flag {
  std::string_view name;
  std::string* target;
};

/// The flags of one command, each with the destination of its value.
struct flags {
  std::vector<number_flag> numbers;
  std::vector<text_flag> texts;
  std::vector<node_address>* nodes = nullptr;
  std::vector<std::string>* ledgers = nullptr; // of verify; run has one as a text
  uint64_t* rate = nullptr;
  bool* resend = nullptr;
  bool* others = nullptr;
};

flags flags_of(run_options& r) {
  flags f;
  f.numbers = {{"--seconds", 1, 86'400, &r.seconds},
               {"--connections", 1, 60'000, &r.connections},
               {"--threads", 1, 64, &r.threads},
               {"--timeout-ms", 1, 600'000, &r.timeout_ms},
               {"--drain-seconds", 0, 600, &r.drain_seconds},
               {"--seed", 0, UINT64_MAX, &r.seed}};
  f.texts = {{"--mix", &r.mix}, {"--ledger", &r.ledger}, {"--json", &r.json}};
  f.nodes = &r.nodes;
  f.rate = &r.rate;
  f.resend = &r.resend;
  return f;
}

flags flags_of(verify_options& v) {
  flags f;
  f.numbers = {{"--wait-seconds", 0, 3600, &v.wait_seconds},
               {"--users-max", 0, 100'000'000, &v.users_max},
               {"--clock-error-ms", 0, 60'000, &v.clock_error_ms}};
  f.texts = {{"--json", &v.json}};
  f.nodes = &v.nodes;
  f.ledgers = &v.ledgers;
  f.others = &v.others;
  return f;
}

std::string take_number(std::string_view name, std::string_view value, uint64_t min, uint64_t max,
                        uint64_t& out) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (value.empty() || error != std::errc{} || end != value.data() + value.size() || number < min
      || number > max)
    return std::string{name} + ' ' + json::clipped(value) + ": write a whole number from "
           + std::to_string(min) + " to " + std::to_string(max);
  out = number;
  return {};
}

std::string take_choice(std::string_view name, std::string_view value, std::string_view yes,
                        std::string_view no, bool& out) {
  if (value != yes && value != no)
    return std::string{name} + ' ' + json::clipped(value) + ": write " + std::string{yes}
           + (no.empty() ? std::string{} : " or " + std::string{no});
  out = value == yes;
  return {};
}

std::string unknown(std::string_view name, const flags& f) {
  std::vector<std::string_view> known = {"--url"};
  for (const auto& n : f.numbers)
    known.push_back(n.name);
  for (const auto& t : f.texts)
    known.push_back(t.name);
  for (auto [name_known, there] :
       {std::pair{"--rate", f.rate != nullptr}, std::pair{"--resend", f.resend != nullptr},
        std::pair{"--ledger", true}, std::pair{"--others", f.others != nullptr}})
    if (there)
      known.emplace_back(name_known);
  auto result = "unknown option " + json::clipped(name);
  if (auto near = json::nearest(name, known))
    return result + "; did you mean " + std::string{*near} + '?';
  return result + "; beckon-load help lists all";
}

/// Takes one option. Returns the error, or empty.
std::string take(const flags& f, const std::string& name, const std::string& value) {
  if (name == "--url") {
    std::string problem;
    if (auto node = parse_node_url(value, problem))
      f.nodes->push_back(std::move(*node));
    return problem;
  }
  if (name == "--rate" && f.rate) {
    *f.rate = 0;
    return value == "max" ? std::string{} : take_number(name, value, 1, 10'000'000, *f.rate);
  }
  if (name == "--resend" && f.resend)
    return take_choice(name, value, "on", "off", *f.resend);
  if (name == "--others" && f.others)
    return take_choice(name, value, "allow", {}, *f.others);
  if (name == "--ledger" && f.ledgers) {
    f.ledgers->push_back(value);
    return {};
  }
  for (const auto& n : f.numbers)
    if (n.name == name)
      return take_number(name, value, n.min, n.max, *n.target);
  for (const auto& t : f.texts)
    if (t.name == name) {
      *t.target = value;
      return {};
    }
  return unknown(name, f);
}

std::string take_all(const flags& f, const std::vector<std::string>& words) {
  for (size_t i = 1; i < words.size(); ++i) {
    auto equals = words[i].find('=');
    auto name = words[i].substr(0, equals);
    if (name.compare(0, 2, "--") != 0)
      return "unexpected word " + json::clipped(words[i]) + "; beckon-load help says what may stand here";
    bool inside = equals != std::string::npos;
    if (!inside && i + 1 == words.size()) {
      auto why = take(f, name, {}); // reporting an unknown option is more helpful
      return why.compare(0, 7, "unknown") == 0 ? why : name + ": the value is missing";
    }
    auto why = take(f, name, inside ? words[i].substr(equals + 1) : words[++i]);
    if (!why.empty())
      return why;
  }
  return {};
}

std::string check(const command_line& line) {
  bool is_run = line.command == "run";
  if ((is_run ? line.run.nodes : line.verify.nodes).empty())
    return "no node is named; write --url http://127.0.0.1:PORT";
  if (!is_run && line.verify.ledgers.empty())
    return "no ledger is named; write --ledger DIR, as run had it";
  if (is_run && line.run.threads > line.run.connections)
    return "--threads " + std::to_string(line.run.threads) + ": there are fewer connections ("
           + std::to_string(line.run.connections) + ") than threads; raise --connections";
  return {};
}

} // namespace

std::optional<command_line> parse_command_line(const std::vector<std::string>& words, std::string& problem) {
  command_line result;
  result.run.rate = 1000;
  result.command = words.empty() ? "help" : words.front();
  for (const auto& word : words)
    if (word == "--help" || word == "-h")
      result.command = "help";
  if (result.command == "help")
    return result;
  if (result.command != "run" && result.command != "verify")
    problem = "unknown command " + json::clipped(result.command) + "; known are run, verify and help";
  else
    problem = take_all(result.command == "run" ? flags_of(result.run) : flags_of(result.verify), words);
  if (problem.empty())
    problem = check(result);
  if (!problem.empty())
    return std::nullopt;
  return result;
}

std::string_view help_text() {
  return help;
}

} // namespace beckon::load
