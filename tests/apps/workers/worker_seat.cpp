#define CAF_SUITE apps.worker_seat
#include "apps/beckon/serve/worker_seat.hpp"

#include "apps/beckon/command_line.hpp"
#include "apps/beckon/workers/configuration_snapshot.hpp"

#include <caf/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

using namespace beckon;
using namespace beckon::apps;

CAF_TEST(a seat is read as it was written) {
  auto seat = seat_of(to_text({3, 5, -1, 7, "/etc/beckon, or not/cluster.ini"}));
  CAF_REQUIRE(seat.has_value());
  CAF_CHECK_EQUAL(seat->number, 3);
  CAF_CHECK_EQUAL(seat->shared, 5);
  CAF_CHECK_EQUAL(seat->own, -1);
  CAF_CHECK_EQUAL(seat->ready, 7);
  CAF_CHECK_EQUAL(seat->file, "/etc/beckon, or not/cluster.ini");
  CAF_CHECK(!seat->only_ships());
  CAF_CHECK(seat_of(to_text({}))->only_ships());
}

CAF_TEST(other texts are no seats) {
  for (const char* text : {"", "1", "1,2,3,4", "a,b,c,d,", "-1,2,3,4,"})
    CAF_CHECK(!seat_of(text));
}

CAF_TEST(the number of workers is a key with a short name) {
  std::string problem;
  for (const auto& words : {std::vector<std::string>{"serve", "--workers", "4"}, {"serve", "--workers=4"}}) {
    auto line = parse_command_line(words, problem);
    CAF_REQUIRE(line.has_value());
    CAF_CHECK(line->keys == std::vector<std::string>{"--workers.count=4"});
  }
  CAF_CHECK(!parse_command_line({"serve", "--workers"}, problem));
  CAF_CHECK_EQUAL(problem, "--workers: the value is missing; write --workers N");
}

CAF_TEST(a snapshot is what the file said when it was taken) {
  auto file = std::filesystem::temp_directory_path() / ("beckon-snapshot-" + std::to_string(::getpid()));
  std::ofstream{file} << "[http]\nport = 81\n";
  std::string problem;
  auto snapshot = configuration_snapshot::take({file.string(), {}, {}}, problem);
  CAF_REQUIRE(snapshot != nullptr);
  std::ofstream{file} << "[http]\nprot = 82\n";
  CAF_CHECK_EQUAL(snapshot->values().integer("http.port"), 81);
  auto read = config::read({snapshot->path(), {}, {}});
  CAF_REQUIRE(read);
  CAF_CHECK_EQUAL(read->integer("http.port"), 81);
  CAF_MESSAGE("what is wrong is told with the name of the file");
  CAF_CHECK(!configuration_snapshot::take({file.string(), {}, {}}, problem));
  CAF_CHECK_EQUAL(problem.rfind(file.string() + ":2: ", 0), 0u);
  std::filesystem::remove(file);
  CAF_CHECK(!configuration_snapshot::take({file.string(), {}, {}}, problem));
  CAF_CHECK(problem.find("cannot be read") != std::string::npos);
}
