#define CAF_SUITE config.reference
#include "config/configuration.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <unistd.h>

using namespace beckon;

namespace {

/// The reference with every key switched on.
std::string switched_on(const std::string& ini) {
  std::string result;
  std::istringstream in{ini};
  for (std::string line; std::getline(in, line);)
    result += (line.substr(0, 1) == ";" ? line.substr(1) : line) + '\n';
  return result;
}

const std::filesystem::path root{BECKON_SOURCE_DIR};

std::string source_file(const char* name) {
  std::ifstream in{root / name, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

} // namespace

CAF_TEST(the committed files are what the table says) {
  // After a change of the table: beckon help ini > cluster.ini; beckon help markdown > docs/configuration.md
  CAF_CHECK(source_file("cluster.ini") == config::reference_ini());
  CAF_CHECK(source_file("docs/configuration.md") == config::reference_markdown());
}

CAF_TEST(the table is well formed) {
  std::set<std::string_view> names;
  std::vector<std::string_view> order;
  for (const auto& s : config::sections())
    order.push_back(s.name);
  size_t section = 0;
  for (const auto& k : config::keys()) {
    CAF_CHECK(names.insert(k.name).second);
    CAF_CHECK(!k.text.empty() && k.text.back() == '.');
    CAF_CHECK_EQUAL(k.type == config::value_type::choice, !k.choices.empty());
    CAF_CHECK(k.min <= k.max);
    auto at = std::find(order.begin(), order.end(), k.name.substr(0, k.name.rfind('.'))) - order.begin();
    CAF_CHECK(static_cast<size_t>(at) == section || static_cast<size_t>(at) == section + 1);
    section = static_cast<size_t>(at);
    CAF_CHECK(k.unit != "ms" || k.name.substr(k.name.size() - 3) == "-ms");
  }
  CAF_CHECK_EQUAL(section + 1, order.size());
}

CAF_TEST(the reference file sets every key to its default) {
  auto path =
      std::filesystem::temp_directory_path() / ("beckon-reference-" + std::to_string(getpid()) + ".ini");
  std::ofstream{path} << switched_on(config::reference_ini());
  auto cfg = config::read({path.string(), {}, {}});
  std::filesystem::remove(path);
  if (!cfg)
    CAF_FAIL(config::describe(cfg.error()));
  config::configuration defaults;
  for (const auto& k : config::keys()) {
    CAF_CHECK(cfg->origin_of(k.name) == config::origin::file);
    if (k.type == config::value_type::integer)
      CAF_CHECK_EQUAL(cfg->integer(k.name), defaults.integer(k.name));
    else if (k.type == config::value_type::boolean)
      CAF_CHECK_EQUAL(cfg->boolean(k.name), defaults.boolean(k.name));
    else
      CAF_CHECK_EQUAL(cfg->text(k.name), defaults.text(k.name));
  }
}

CAF_TEST(the files of three nodes differ in what must differ) {
  std::set<std::string> names, directories;
  std::set<int64_t> ports;
  for (int k = 1; k <= 3; ++k) {
    auto name = "deploy/three-nodes/node" + std::to_string(k) + ".ini";
    auto cfg = config::read({(root / name).string(), {}, {}});
    if (!cfg)
      CAF_FAIL(config::describe(cfg.error()));
    CAF_CHECK_EQUAL(cfg->text("storage.backend"), "mysql");
    names.insert(cfg->text("node.name"));
    directories.insert(cfg->text("node.data-dir"));
    ports.insert({cfg->integer("http.port"), cfg->integer("cluster.port")});
    CAF_MESSAGE("the head of the reference shows the same");
    for (const char* key : {"node.name", "node.data-dir", "mysql.password-file"})
      CAF_CHECK(config::reference_ini().find('"' + cfg->text(key) + '"') != std::string::npos);
  }
  CAF_CHECK_EQUAL(names.size(), 3u);
  CAF_CHECK_EQUAL(directories.size(), 3u);
  CAF_CHECK_EQUAL(ports.size(), 6u);
}

CAF_TEST(help and documentation name every key) {
  auto help = config::reference_help();
  auto page = config::reference_markdown();
  for (const auto& k : config::keys()) {
    CAF_CHECK(help.find("--" + std::string{k.name} + '=') != std::string::npos);
    CAF_CHECK(page.find("| `" + std::string{k.name} + "` |") != std::string::npos);
  }
}
