#define CAF_SUITE apps.catalog_document
#include "apps/beckon/commands/catalog_document.hpp"

#include <caf/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace beckon;
using namespace beckon::apps;

namespace {

catalog_document document_of(const std::string& text) {
  std::vector<std::string> problems;
  auto result = read_catalog_document(text, problems);
  CAF_REQUIRE(problems.empty());
  return result;
}

std::string first_problem(const std::string& text) {
  std::vector<std::string> problems;
  read_catalog_document(text, problems);
  CAF_REQUIRE(!problems.empty());
  return problems.front();
}

} // namespace

CAF_TEST(a text that is no JSON is refused with line and column and byte) {
  CAF_CHECK_EQUAL(first_problem("{\"popups\":\n  [,]}").rfind("line 2, column 4 (byte 14): ", 0), 0u);
  CAF_CHECK_EQUAL(first_problem("x").rfind("line 1, column 1 (byte 0): ", 0), 0u);
}

CAF_TEST(settings that are left out stay as they are stored) {
  storage::catalog_rows present;
  present.settings = R"({"min_gap":"30m","quiet_hours":null,"holdout_percent":5.0})";
  auto changes = changes_of(document_of(R"({"settings":{"holdout_percent":7}})"), present);
  CAF_REQUIRE(changes.settings.has_value());
  CAF_CHECK(changes.settings->find("30m") != std::string::npos);
  CAF_CHECK(changes.settings->find("7") != std::string::npos);
  changes = changes_of(document_of(R"({"settings":{"min_gap":"30m"}})"), present);
  CAF_CHECK(!changes.settings && changes.settings_unchanged);
  changes = changes_of(document_of("[]"), present);
  CAF_CHECK(!changes.settings && !changes.settings_unchanged);
}

CAF_TEST(popups and settings are counted apart) {
  CAF_CHECK_EQUAL(in_words(16, true, "0"), "16 popups and the settings");
  CAF_CHECK_EQUAL(in_words(1, false, "0"), "1 popup");
  CAF_CHECK_EQUAL(in_words(0, true, "0"), "the settings");
  CAF_CHECK_EQUAL(in_words(0, false, "0"), "0");
}
