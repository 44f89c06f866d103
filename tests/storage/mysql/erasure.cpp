#define CAF_SUITE storage.mysql_erasure
#include "storage/mysql/store.hpp"
#include "tests/storage/job_samples.hpp"
#include "tests/storage/mariadb_server.hpp"

#include <caf/test/unit_test.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

// Erasures while others store events of the same user, each on a connection of its own.

using namespace beckon::storage;
using namespace beckon::storage::test;

namespace {

/// Stores batches of two events of ann and one of bob, as fast as it can.
void keep_storing(store& s, int number, const std::atomic<bool>& stop, std::atomic<int>& failures,
                  std::atomic<int>& stored) {
  auto writer = std::move(*s.open_writer());
  for (int i = 0; !stop; ++i) {
    auto prefix = std::to_string(number) + "-" + std::to_string(i) + "-";
    auto out = writer->write(
        {event_batch_write{{impression(prefix + "1", noon_ms + i), impression(prefix + "2", noon_ms + i % 7),
                            impression(prefix + "3", noon_ms + i, "bob")}}});
    ++(out ? stored : failures);
  }
}

} // namespace

CAF_TEST(an event is counted as long as it is stored whoever else is at work) {
  fresh_database database{server_address{shared_server_directory()}.options()};
  auto store = open_or_fail(database.options);
  auto writer = std::move(*store->open_writer());
  std::atomic<bool> stop{false};
  std::atomic<int> failures{0};
  std::atomic<int> stored{0};
  std::vector<std::thread> threads;
  for (int n = 0; n < 4; ++n)
    threads.emplace_back([&, n] { keep_storing(*store, n, stop, failures, stored); });
  std::vector<std::string> faults;
  int marks = 0;
  // Each erasure has some batches in flight. Bounded by the number of erasures alone.
  for (int i = 0; i < 150; ++i) {
    auto out = writer->write({user_erase{"ann", 7, {}, noon_ms, 1}});
    if (!out)
      faults.push_back(describe(out.error()));
    else if (out->at(0).more)
      ++marks;
    if (auto piece = writer->write({erase_piece{"ann", 7, {}, 50}}); !piece)
      faults.push_back(describe(piece.error()));
  }
  stop = true;
  for (auto& t : threads)
    t.join();
  for (const auto& f : faults)
    CAF_ERROR(f);
  CAF_CHECK_EQUAL(failures.load(), 0);
  CAF_CHECK(marks > 0 && stored > 100);
  // What is left of ann is what is counted, before and after the last piece.
  auto check = [&] {
    event_filter ann;
    ann.user = "ann";
    auto shown = event_ids(*writer, ann, 500).size();
    auto bob = static_cast<size_t>(stored.load());
    CAF_CHECK_EQUAL(stats_text(*writer, "welcome"),
                    "impression a " + std::to_string(shown + bob) + "/" + (shown > 0 ? "2 " : "1 "));
    return shown;
  };
  auto shown = check();
  bool more = !writer->load_erasures("", 1)->empty();
  for (int turns = 0; more && turns < 10000; ++turns)
    more = writer->write({erase_piece{"ann", 7, {}, 500}})->at(0).more;
  CAF_CHECK(!more);
  CAF_CHECK_EQUAL(check(), shown);
  CAF_CHECK_EQUAL(database.text("SELECT COUNT(*) FROM event WHERE user = 'ann'"), std::to_string(shown));
}
