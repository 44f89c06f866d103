#define CAF_SUITE apps.command_line
#include "apps/beckon/command_line.hpp"

#include "apps/beckon/host/host.hpp"

#include <caf/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace beckon::apps;

namespace {

using words = std::vector<std::string>;

command_line parsed(const words& w) {
  std::string problem;
  auto line = parse_command_line(w, problem);
  if (!line)
    CAF_FAIL(problem);
  return *line;
}

std::string refusal(const words& w) {
  std::string problem;
  CAF_CHECK(!parse_command_line(w, problem));
  return problem;
}

} // namespace

CAF_TEST(a call is taken apart) {
  auto line = parsed(
      {"import", "--config", "a.ini", "--http.port", "81", "file.json", "--url=http://x", "--if-empty"});
  CAF_CHECK_EQUAL(line.command, "import");
  CAF_CHECK_EQUAL(line.config.value_or(""), "a.ini");
  CAF_CHECK_EQUAL(line.url.value_or(""), "http://x");
  CAF_CHECK(line.if_empty && !line.help);
  CAF_CHECK(line.keys == (words{"--http.port", "81"}));
  CAF_CHECK(line.words == words{"file.json"});
}

CAF_TEST(commands on the cluster have flags of their own) {
  CAF_CHECK(parsed({"nodes", "--json"}).json && !parsed({"nodes"}).json);
  auto line = parsed({"drain", "n1", "--timeout-s", "30", "--mysql.port=3307"});
  CAF_CHECK(line.words == words{"n1"} && !line.last);
  CAF_CHECK_EQUAL(line.timeout_s.value_or(-1), 30);
  CAF_CHECK_EQUAL(parsed({"drain", "--timeout-s=0", "--last", "7"}).timeout_s.value_or(-1), 0);
  CAF_CHECK(!parsed({"drain", "n1"}).timeout_s);
}

CAF_TEST(a truth value does not swallow the word after it) {
  auto line = parsed({"import", "--http.reuse-port", "file.json"});
  CAF_CHECK(line.keys == words{"--http.reuse-port"});
  CAF_CHECK(line.words == words{"file.json"});
  line = parsed({"import", "--http.reuse-port", "false", "-"});
  CAF_CHECK(line.keys == (words{"--http.reuse-port", "false"}));
  CAF_CHECK(line.words == words{"-"});
}

CAF_TEST(errors name the nearest known word) {
  CAF_CHECK_EQUAL(refusal({"exprot"}), "unknown command exprot; did you mean export?");
  CAF_CHECK_EQUAL(refusal({"serve", "--conifg"}), "unknown flag --conifg; did you mean --config?");
  CAF_CHECK_EQUAL(refusal({"serve", "--config"}), "--config: the value is missing; write --config=…");
  CAF_CHECK_EQUAL(refusal({"serve", "--config="}), "--config: the value is missing; write --config=…");
  CAF_CHECK_EQUAL(refusal({"serve", "--if-empty"}), "--if-empty belongs to import");
  CAF_CHECK_EQUAL(refusal({"serve", "--url=x"}), "--url belongs to import and export");
  CAF_CHECK_EQUAL(refusal({"import", "a", "b"}), "import takes one file; write beckon import FILE");
  CAF_CHECK_EQUAL(
      refusal({"drain"}),
      "drain takes one node; write beckon drain NODE, with a name or number that beckon nodes shows");
  CAF_CHECK_EQUAL(refusal({"drain", "a", "b"}), refusal({"drain"}));
  for (const char* text : {"-1", "86401", "x", "1s", ""})
    CAF_CHECK_EQUAL(refusal({"drain", "a", std::string{"--timeout-s="} + text}),
                    "--timeout-s: must be a whole number from 0 to 86400");
  CAF_CHECK_EQUAL(refusal({"nodes", "--last"}), "--last and --timeout-s belong to drain");
  CAF_CHECK_EQUAL(refusal({"serve", "--timeout-s=5"}), "--last and --timeout-s belong to drain");
  CAF_CHECK_EQUAL(refusal({"drain", "a", "--json"}), "--json belongs to nodes");
  CAF_CHECK_EQUAL(refusal({"nodes", "a"}), "nodes: unexpected word a");
  CAF_CHECK_EQUAL(refusal({"drain", "a", "--lats"}), "unknown flag --lats; did you mean --last?");
  CAF_CHECK(refusal({"serve", "-x"}).find("unknown flag -x") == 0);
}

CAF_TEST(an IPv6 address stands in brackets in a URL) {
  CAF_CHECK_EQUAL(url_of("::1", 80), "http://[::1]:80");
}
