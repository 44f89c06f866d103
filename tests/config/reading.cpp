#define CAF_SUITE config.reading
#include "config/configuration.hpp"

#include <caf/test/unit_test.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

using namespace beckon;

namespace {

struct fixture {
  fixture() {
    directory = std::filesystem::temp_directory_path() / ("beckon-config-" + std::to_string(getpid()));
    std::filesystem::create_directories(directory);
    path = (directory / "cluster.ini").string();
  }
  ~fixture() { std::filesystem::remove_all(directory); }

  void write(const std::string& content) const { std::ofstream{path, std::ios::binary} << content; }

  /// The text of the error that reading `from` ends with; empty when it succeeds.
  static std::string refusal(const config::sources& from) {
    auto result = config::read(from);
    return result ? std::string{} : config::describe(result.error());
  }

  std::string refusal_of_file(const std::string& content) const {
    write(content);
    return refusal({path, {}, {}});
  }

  config::configuration read(const config::sources& from) const {
    auto result = config::read(from);
    if (!result)
      CAF_FAIL("refused: " << config::describe(result.error()));
    return *result;
  }

  config::configuration read_file(const std::string& content) const {
    write(content);
    return read({path, {}, {}});
  }

  static bool has(const std::string& text, const std::string& part) {
    if (text.find(part) != std::string::npos)
      return true;
    CAF_MESSAGE("\"" << part << "\" is not in \"" << text << "\"");
    return false;
  }

  std::filesystem::path directory;
  std::string path;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(reading_tests, fixture)

CAF_TEST(without sources every key has its default) {
  auto cfg = read({});
  CAF_CHECK_EQUAL(cfg.integer("http.port"), 8080);
  CAF_CHECK_EQUAL(cfg.text("http.address"), "127.0.0.1");
  CAF_CHECK_EQUAL(cfg.boolean("http.reuse-port"), false);
  CAF_CHECK_EQUAL(cfg.text("storage.backend"), "sqlite");
  CAF_CHECK(cfg.origin_of("http.port") == config::origin::built_in);
}

CAF_TEST(the last source that has a key wins) {
  write("[http]\nport = 1\nbacklog = 1\nidle-timeout-ms = 1000\n");
  auto cfg = read({path, {"BECKON_HTTP_PORT=2", "BECKON_HTTP_BACKLOG=2", "HOME=/x"}, {"--http.port=3"}});
  CAF_CHECK_EQUAL(cfg.integer("http.port"), 3);
  CAF_CHECK_EQUAL(cfg.integer("http.backlog"), 2);
  CAF_CHECK_EQUAL(cfg.integer("http.idle-timeout-ms"), 1000);
  CAF_CHECK(cfg.origin_of("http.port") == config::origin::command_line);
  CAF_CHECK(cfg.origin_of("http.backlog") == config::origin::environment);
  CAF_CHECK(cfg.origin_of("http.idle-timeout-ms") == config::origin::file);
}

CAF_TEST(a file may use sections or dotted names and comments of both kinds) {
  auto cfg = read_file("\xEF\xBB\xBFhttp.port=81 ; why\r\n# a comment\n\n[ node ]  # here\n"
                       "name = \"a \\\"b\\\" ; # c\"\r\n[log]\nlevel = 'warn'\nformat=\"json\"");
  CAF_CHECK_EQUAL(cfg.integer("http.port"), 81);
  CAF_CHECK_EQUAL(cfg.text("node.name"), "a \"b\" ; # c");
  CAF_CHECK_EQUAL(cfg.text("log.level"), "warn");
  CAF_CHECK_EQUAL(cfg.text("log.format"), "json");
}

CAF_TEST(the command line takes words of both forms) {
  auto cfg = read({"", {}, {"--http.port", "81", "--http.reuse-port", "--node.name=", "--log.level=warn"}});
  CAF_CHECK_EQUAL(cfg.integer("http.port"), 81);
  CAF_CHECK_EQUAL(cfg.boolean("http.reuse-port"), true);
  CAF_CHECK_EQUAL(cfg.text("log.level"), "warn");
  CAF_CHECK_EQUAL(read({"", {}, {"--http.reuse-port", "false"}}).boolean("http.reuse-port"), false);
  CAF_CHECK(has(refusal({"", {}, {"--http.reuse-port", "word"}}), "word: not expected here"));
}

CAF_TEST(unknown names are refused with their place and the nearest name) {
  auto text = refusal_of_file("[http]\n\nprot = 1\n");
  CAF_CHECK(has(text, path + ":3: unknown key http.prot; did you mean http.port?"));
  text = refusal({"", {"BECKON_HTTP_PROT=1"}, {}});
  CAF_CHECK(has(text, "BECKON_HTTP_PROT: "));
  CAF_CHECK(has(text, "did you mean BECKON_HTTP_PORT?"));
  text = refusal({"", {}, {"--http.prot=1"}});
  CAF_CHECK(has(text, "--http.prot: unknown key; did you mean http.port?"));
  text = refusal({"", {}, {"--completely-else=1"}});
  CAF_CHECK(has(text, "beckon help keys"));
}

CAF_TEST(wrong values are refused with the allowed ones) {
  CAF_CHECK(
      has(refusal_of_file("[http]\nport = 65536\n"), path
                                                         + ":2: http.port: must be a whole number from 0 to "
                                                           "65535, but is \"65536\""));
  for (auto wrong : {"-1", "1.5", "0x10", "80a", "9999999999999999999999", "true"})
    CAF_CHECK(has(refusal({"", {}, {std::string{"--http.port="} + wrong}}), "--http.port: must be"));
  CAF_CHECK(has(refusal_of_file("http.port = \"80\""), "written without quotes"));
  CAF_CHECK(has(refusal_of_file("http.address = localhost"), "write the value in quotes"));
  CAF_CHECK(has(refusal_of_file("http.reuse-port = yes"), "must be true or false"));
  CAF_CHECK(has(refusal({"", {"BECKON_LOG_LEVEL=wran"}, {}}), "did you mean warn?"));
  CAF_CHECK(has(refusal({"", {"BECKON_HTTP_PORT"}, {}}), "BECKON_HTTP_PORT: must be"));
  CAF_CHECK(has(refusal({"", {}, {"--node.data-dir="}}), "must be a text of 1 to"));
  CAF_CHECK(has(refusal({"", {}, {"--node.name=a\nb"}}), "without control characters"));
  CAF_CHECK(has(refusal({"", {}, {"--node.name=\xFF"}}), "--node.name: must be"));
}

CAF_TEST(a password is given once) {
  auto text = refusal({"", {}, {"--mysql.password=x", "--mysql.password-file=y"}});
  CAF_CHECK(has(text, "mysql.password: is set, and so is mysql.password-file"));
}

CAF_TEST(a missing or broken file is an error) {
  CAF_CHECK(has(refusal({path + ".none", {}, {}}), path + ".none: cannot be read"));
  CAF_CHECK(has(refusal({directory.string(), {}, {}}), "cannot be read"));
  CAF_CHECK(has(refusal_of_file("[http\nport=1"), path + ":1: a section is written like [http]"));
  CAF_CHECK(has(refusal_of_file("port"), path + ":1: expected a line like"));
  CAF_CHECK(has(refusal_of_file("node.name = \"a"), "the closing \" is missing"));
  CAF_CHECK(has(refusal_of_file("http.port ="), "the value is missing"));
  CAF_CHECK(has(refusal_of_file("http.port = 80 81"), "after the value"));
  CAF_CHECK(has(refusal_of_file(std::string(1024 * 1024 + 1, '#')), "larger than 1 MiB"));
}

CAF_TEST(a duplicate key in a file is refused) {
  CAF_CHECK(has(refusal_of_file("http.port=1\n[http]\nport=2\n"),
                path + ":3: http.port was set before, in line 1"));
}

CAF_TEST(all errors come together) {
  write("[http]\nprot = 1\nport = x\n");
  auto text = refusal({path, {"BECKON_X=1"}, {"--y", "word", "--http.port"}});
  CAF_CHECK(has(text, path + ":2: "));
  CAF_CHECK(has(text, path + ":3: "));
  CAF_CHECK(has(text, "\nBECKON_X: "));
  CAF_CHECK(has(text, "\n--y: "));
  CAF_CHECK(has(text, "\n--http.port: the value is missing"));
}

CAF_TEST(words that are no keys are refused) {
  CAF_CHECK(has(refusal({"", {}, {"word"}}), "word: not expected here"));
}

CAF_TEST(bounds that contradict one another are refused) {
  auto text = refusal({"", {}, {"--writers.batch-jobs-max=100", "--writers.queue-jobs-max=10"}});
  CAF_CHECK(has(text, "writers.batch-jobs-max: is 100, above writers.queue-jobs-max (10)"));
  text =
      refusal({"", {}, {"--limits.body-bytes-max=2097152", "--limits.request-bytes-in-flight-max=1048576"}});
  CAF_CHECK(
      has(text, "limits.body-bytes-max: is 2097152, above limits.request-bytes-in-flight-max (1048576)"));
}

CAF_TEST_FIXTURE_SCOPE_END()
