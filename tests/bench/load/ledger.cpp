#define CAF_SUITE load.ledger

#include "bench/load/ledger_reader.hpp"
#include "bench/load/ledger_writer.hpp"

#include <caf/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdlib.h>
#include <string>
#include <vector>

using namespace beckon::load;

namespace {

/// A directory that goes with the test.
struct fixture {
  fixture() {
    char name[] = "/tmp/beckon-ledger-XXXXXX";
    directory = mkdtemp(name);
  }
  ~fixture() { std::filesystem::remove_all(directory); }

  std::string path() const { return directory + "/00ff-3.jsonl"; }

  std::string content() const {
    std::ifstream file{path(), std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  void put(const std::string& text) const {
    std::ofstream{path(), std::ios::binary | std::ios::trunc} << text;
  }

  std::string directory;
};

struct collected : ledger_sink {
  void begin(const ledger_begin& b) override { begins.push_back(b); }
  void sent(const ledger_intent& i) override { intents.push_back(i); }
  void answered(const ledger_outcome& o) override { outcomes.push_back(o); }
  void end(bool w) override { ends.push_back(w); }

  std::vector<ledger_begin> begins;
  std::vector<ledger_intent> intents;
  std::vector<ledger_outcome> outcomes;
  std::vector<bool> ends;
};

ledger_begin sample_begin() {
  return {"00ff", 3, 1'700'000'000'000'001, UINT64_MAX, std::map<std::string, uint64_t>{{"p \"q\"", 7}}};
}

ledger_intent decide_intent(uint64_t number) {
  return {number, kind::retry, 1'700'000'000'000'002, "u-\"1\"", {"home", "cart"}, "00ff-3-r9", 0, 0};
}

ledger_outcome decide_outcome(uint64_t number) {
  ledger_outcome o{number, 1'700'000'000'000'003, 200, "", 0xfedcba9876543210, decide_answer{}, std::nullopt};
  o.decide->decision = "d";
  o.decide->catalog = 4;
  o.decide->next_ms = 99;
  o.decide->promises = true;
  o.decide->shown = {{"home", "p", 5, ""}};
  return o;
}

/// What a run writes: three requests, the last without an outcome.
void write_sample(ledger_writer& w, const std::string& directory) {
  CAF_REQUIRE(w.open(directory, sample_begin()));
  CAF_CHECK(w.sent(decide_intent(0)));
  CAF_CHECK(w.answered(decide_outcome(0)));
  CAF_CHECK(w.sent({1, kind::events, 5, "", {}, "", 100, 50}));
  ledger_outcome taken{1, 6, 202, "", 0, std::nullopt, events_answer{48, 1, {7}}};
  CAF_CHECK(w.answered(taken));
  CAF_CHECK(w.sent({2, kind::resend, 7, "", {}, "", 100, 50}));
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(ledger_tests, fixture)

CAF_TEST(written records are read back) {
  ledger_writer w;
  write_sample(w, directory);
  CAF_CHECK(w.answered({2, 8, 0, "reset", 0, std::nullopt, std::nullopt}));
  CAF_CHECK(w.close());
  collected c;
  std::string problem;
  CAF_CHECK(ledger_files(directory, problem) == std::vector<std::string>{path()});
  CAF_REQUIRE(read_ledger(path(), c, problem));
  CAF_REQUIRE_EQUAL(c.begins.size(), 1u);
  CAF_CHECK_EQUAL(c.begins[0].run, "00ff");
  CAF_CHECK_EQUAL(c.begins[0].seed, UINT64_MAX);
  CAF_CHECK(c.begins[0].shows_before == sample_begin().shows_before);
  CAF_REQUIRE_EQUAL(c.intents.size(), 3u);
  auto intent = decide_intent(0);
  CAF_CHECK(c.intents[0].user == intent.user && c.intents[0].placements == intent.placements);
  CAF_CHECK(c.intents[0].kind == intent.kind && c.intents[0].request_id == intent.request_id);
  CAF_CHECK(c.intents[2].kind == kind::resend && c.intents[2].first == 100 && c.intents[2].count == 50);
  CAF_REQUIRE_EQUAL(c.outcomes.size(), 3u);
  CAF_CHECK_EQUAL(c.outcomes[0].digest, decide_outcome(0).digest);
  CAF_CHECK_EQUAL(c.outcomes[0].decide->shown[0].popup, "p");
  CAF_CHECK(c.outcomes[0].decide->promises && c.outcomes[0].decide->next_ms == 99);
  CAF_CHECK(c.outcomes[1].events->accepted == 48
            && c.outcomes[1].events->rejected == std::vector<uint64_t>{7});
  CAF_CHECK(c.outcomes[2].status == 0 && c.outcomes[2].lost == "reset");
  CAF_CHECK(c.ends == std::vector<bool>{true});
}

CAF_TEST(lines are readable while the file is open as after a kill) {
  ledger_writer w;
  write_sample(w, directory);
  collected c;
  std::string problem;
  CAF_REQUIRE(read_ledger(path(), c, problem));
  CAF_CHECK(c.intents.size() == 3 && c.outcomes.size() == 2);
  CAF_CHECK(c.ends == std::vector<bool>{false});
}

CAF_TEST(a tail torn at any byte loses the last line at most) {
  auto w = std::make_unique<ledger_writer>();
  write_sample(*w, directory);
  auto text = content();
  w.reset();
  text.resize(text.find('\0'));
  auto last_line = text.rfind('\n', text.size() - 2) + 1;
  for (size_t kept = last_line; kept < text.size(); ++kept) {
    for (size_t zeros : {0, 1, 4096}) {
      put(text.substr(0, kept) + std::string(zeros, '\0'));
      collected c;
      std::string problem;
      CAF_REQUIRE(read_ledger(path(), c, problem));
      CAF_CHECK_EQUAL(c.intents.size(), 2u);
    }
  }
  // The copy of the last line had not come to its middle.
  auto holed = text;
  holed[last_line + 10] = '\0';
  put(holed);
  collected c;
  std::string problem;
  CAF_REQUIRE(read_ledger(path(), c, problem));
  CAF_CHECK_EQUAL(c.intents.size(), 2u);
}

CAF_TEST(a changed ledger is refused) {
  ledger_writer w;
  write_sample(w, directory);
  CAF_CHECK(w.close());
  auto text = content();
  auto second = text.find('\n') + 1;
  auto third = text.find('\n', second) + 1;
  auto without_second = text.substr(0, second) + text.substr(third);
  auto doubled = text.substr(0, third) + text.substr(second);
  for (const auto& bad : {without_second, doubled, text.substr(second), "{}\n" + text, text + "{\"got\":1}\n",
                          text.substr(0, second) + "no json\n" + text.substr(second),
                          text.substr(0, second) + "{\"send\":5,\"kind\":\"dance\"}\n", std::string{}}) {
    put(bad);
    collected c;
    std::string problem;
    CAF_CHECK(!read_ledger(path(), c, problem));
    CAF_CHECK(problem.find(path()) == 0);
  }
}

CAF_TEST(a ledger grows beyond one window of its mapping) {
  ledger_writer w;
  CAF_REQUIRE(w.open(directory, sample_begin()));
  auto intent = decide_intent(0);
  intent.user = std::string(100, 'x');
  constexpr uint64_t lines = 120'000; // about 24 MB
  for (intent.number = 0; intent.number < lines; ++intent.number)
    CAF_REQUIRE(w.sent(intent));
  CAF_CHECK(w.close());
  collected c;
  std::string problem;
  CAF_REQUIRE(read_ledger(path(), c, problem));
  CAF_REQUIRE_EQUAL(c.intents.size(), lines);
  CAF_CHECK_EQUAL(c.intents.back().number, lines - 1);
}

CAF_TEST(an existing file is not written over and a missing directory is said) {
  ledger_writer first;
  CAF_CHECK(first.open(directory, sample_begin()));
  ledger_writer second;
  CAF_CHECK(!second.open(directory, sample_begin()));
  CAF_CHECK(second.problem().find(path()) != std::string::npos);
  std::string problem;
  CAF_CHECK(ledger_files(directory + "/none", problem).empty());
  CAF_CHECK(!problem.empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
