#define CAF_SUITE apps.log_queue
#include "apps/beckon/serve/log_queue.hpp"

#include <caf/test/unit_test.hpp>
#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fcntl.h>
#include <string>
#include <unistd.h>

using namespace beckon::apps;

namespace {

std::string dropped_line(uint64_t lines) {
  return "dropped " + std::to_string(lines) + "\n";
}

/// A queue in front of a pipe that takes little. It lives as long as the process, as a log's does.
struct fixture {
  std::array<int, 2> ends{-1, -1};
  log_queue* queue = nullptr;
  std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();

  fixture() {
    CAF_REQUIRE_EQUAL(::pipe(ends.data()), 0);
    ::fcntl(ends[1], F_SETPIPE_SZ, 4096);
    queue = new log_queue(ends[1], dropped_line); // NOLINT: its thread is never joined
    queue->count_in(registry);
  }

  double counted() const { return registry->Collect().at(0).metric.at(0).counter.value; }

  /// Reads until this text has come. The suite's time-out ends a test in which it never comes.
  std::string read_until(const std::string& last) const {
    std::string text;
    std::array<char, 65536> some{};
    while (text.size() < last.size() || text.compare(text.size() - last.size(), last.size(), last) != 0) {
      auto n = ::read(ends[0], some.data(), some.size());
      CAF_REQUIRE(n > 0);
      text.append(some.data(), static_cast<size_t>(n));
    }
    return text;
  }
};

constexpr std::chrono::seconds plenty{30};

} // namespace

CAF_TEST_FIXTURE_SCOPE(log_queue_tests, fixture)

CAF_TEST(lines come in their order and a flush waits for the last) {
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    auto line = std::to_string(i) + "\n";
    expected += line;
    queue->push(line);
  }
  CAF_CHECK(queue->flush(plenty));
  CAF_CHECK_EQUAL(queue->unwritten(), 0u);
  CAF_CHECK_EQUAL(read_until("99\n"), expected);
}

CAF_TEST(nobody waits for a reader that does not read and what is dropped is told) {
  constexpr uint64_t beyond = 500;
  const std::string line(63, 'x');
  for (uint64_t i = 0; i < log_queue::log_lines_max + beyond; ++i)
    queue->push(line + "\n");
  CAF_CHECK(queue->dropped() > 0);
  CAF_CHECK(queue->dropped() <= beyond);
  CAF_CHECK_EQUAL(counted(), static_cast<double>(queue->dropped()));
  CAF_CHECK(!queue->flush(std::chrono::milliseconds{0}));
  CAF_CHECK(queue->unwritten() <= log_queue::log_lines_max);
  auto text = read_until(dropped_line(queue->dropped()));
  CAF_CHECK(queue->flush(plenty));
  auto lines = static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
  CAF_CHECK_EQUAL(lines, log_queue::log_lines_max + beyond - queue->dropped() + 1);
}

CAF_TEST(few lines that are large are bounded too) {
  const std::string large(log_queue::log_bytes_max / 4, 'x');
  for (int i = 0; i < 10; ++i)
    queue->push(large);
  CAF_CHECK_EQUAL(queue->dropped(), 6u);
}

CAF_TEST_FIXTURE_SCOPE_END()
