#define CAF_SUITE storage.sqlite_concurrency
#include "storage/sqlite/checkpointer.hpp"
#include "storage/sqlite/store.hpp"
#include "tests/storage/cluster_samples.hpp"
#include "tests/storage/job_samples.hpp"
#include "tests/storage/scratch_directory.hpp"
#include "tests/storage/sqlite/usual_options.hpp"

#include <caf/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace beckon::storage;
using namespace beckon::storage::test;

namespace {

constexpr int64_t wal_pages = 50;

struct fixture {
  scratch_directory scratch;
  sqlite_options options = usual_options(scratch.file("beckon.db"));
  store_ptr store;

  fixture() {
    options.wal_checkpoint_pages = wal_pages;
    auto opened = open_sqlite(options);
    if (!opened)
      CAF_FAIL(describe(opened.error()));
    store = std::move(*opened);
  }
};

/// Ann and bob always get the same version in one group.
std::vector<write_job> pair_of_claims(uint64_t version) {
  return {claim("ann", version), claim("bob", version)};
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(sqlite_concurrency_tests, fixture)

CAF_TEST(a reader sees whole groups while they are written) {
  constexpr uint64_t groups = 400;
  std::atomic<bool> failed{false};
  std::thread writing{[&] {
    auto writer = std::move(*store->open_writer());
    for (uint64_t i = 0; i < groups; ++i)
      failed = !writer->write(pair_of_claims(i)) || failed;
  }};
  auto reader = std::move(*store->open_reader());
  int torn = 0;
  int backwards = 0;
  uint64_t seen = 0;
  while (seen < groups && !failed) {
    auto rows = reader->load_users({"ann", "bob"});
    if (!rows || rows->at(0).state != rows->at(1).state) {
      ++torn;
      break;
    }
    auto state = beckon::decision::decode_user_state(rows->at(0).state);
    auto version = state ? state->version : 0;
    backwards += version < seen ? 1 : 0;
    seen = version;
  }
  writing.join();
  CAF_CHECK_EQUAL(torn, 0);
  CAF_CHECK_EQUAL(backwards, 0);
  CAF_CHECK(!failed);
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "show a 800/2 ");
}

CAF_TEST(writing sessions of several threads take turns) {
  constexpr int threads = 4;
  constexpr int groups = 60;
  std::atomic<int> errors{0};
  std::vector<std::thread> writing;
  for (int t = 0; t < threads; ++t)
    writing.emplace_back([this, t, &errors] {
      auto writer = std::move(*store->open_writer());
      for (int g = 0; g < groups; ++g) {
        auto user = "u-" + std::to_string(t) + "-" + std::to_string(g);
        auto id = "e-" + user;
        errors +=
            writer->write({claim(user, 0), event_batch_write{{impression(id, noon_ms + g, user)}}}) ? 0 : 1;
      }
    });
  for (auto& w : writing)
    w.join();
  CAF_CHECK_EQUAL(errors.load(), 0);
  auto reader = std::move(*store->open_reader());
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "impression a 240/240 show a 240/240 ");
  CAF_CHECK_EQUAL(event_ids(*reader, {}, 7).size(), size_t{threads * groups});
}

CAF_TEST(the write - ahead log starts anew instead of growing) {
  auto writer = std::move(*store->open_writer());
  int groups = 0;
  // Some 3 pages are written per group; without checkpoints this would make more than twice the bound.
  for (; groups < 1500; ++groups)
    if (!writer->write({claim("u-" + std::to_string(groups), 0)}))
      break;
  CAF_CHECK_EQUAL(groups, 1500);
  constexpr auto bound = (wal_pages * 16 + 100) * (4096 + 24);
  CAF_CHECK_LESS(std::filesystem::file_size(options.path + "-wal"), static_cast<size_t>(bound));
  CAF_CHECK_LESS(size_t{100'000}, std::filesystem::file_size(options.path));
}

CAF_TEST(a long reader stops no write and is reported) {
  using clock = std::chrono::steady_clock;
  auto wal_bytes = [this] { return std::filesystem::file_size(options.path + "-wal"); };
  auto writer = std::move(*store->open_writer());
  int group = 0;
  auto commit = [&] { return bool(writer->write({claim("u-" + std::to_string(group++), 0)})); };
  CAF_REQUIRE(commit());
  {
    sqlite::connection other{options.path, sqlite::access::read_only, 0};
    sqlite::transaction held{other, sqlite::transaction::kind::read};
    other.integer("SELECT count(*) FROM user_state");
    while (wal_bytes() < wal_pages * 2 * sqlite::checkpointer::warning_factor * 4096)
      CAF_REQUIRE(commit());
    auto start = clock::now();
    for (int i = 0; i < 50; ++i)
      CAF_REQUIRE(commit());
    CAF_CHECK(clock::now() - start < std::chrono::seconds{10}); // waiting once takes 2, 50 times 100
    auto deadline = clock::now() + std::chrono::seconds{30};
    while (store->warning().empty() && clock::now() < deadline)
      CAF_REQUIRE(!writer->ping());
    auto text = store->warning();
    CAF_CHECK(text.find(options.path + "-wal has grown to ") != std::string::npos);
    CAF_CHECK(text.find("another program") != std::string::npos);
  }
  auto deadline = clock::now() + std::chrono::seconds{30};
  constexpr auto bound = wal_pages * sqlite::checkpointer::warning_factor * 4096;
  while (wal_bytes() > bound && clock::now() < deadline)
    CAF_REQUIRE(commit());
  CAF_CHECK_LESS(wal_bytes(), size_t{bound});
  CAF_CHECK_EQUAL(store->warning(), "");
}

CAF_TEST(the warning ends without a commit) {
  using clock = std::chrono::steady_clock;
  auto deadline = clock::now() + std::chrono::seconds{60};
  auto writer = std::move(*store->open_writer());
  {
    sqlite::connection other{options.path, sqlite::access::read_only, 0};
    sqlite::transaction held{other, sqlite::transaction::kind::read};
    other.integer("SELECT count(*) FROM user_state");
    int group = 0;
    auto commit = [&] { CAF_REQUIRE(writer->write({claim("u-" + std::to_string(group++), 0)})); };
    while (store->warning().empty() && clock::now() < deadline)
      commit();
    // The thread has just looked, and these come before it would look again: none of them wakes it.
    for (auto end = clock::now() + std::chrono::milliseconds{30}; clock::now() < end;)
      commit();
  }
  while (!store->warning().empty() && clock::now() < deadline)
    CAF_REQUIRE(!writer->ping());
  CAF_CHECK_EQUAL(store->warning(), "");
}

CAF_TEST(an idle ping commits nothing) {
  auto writer = std::move(*store->open_writer());
  CAF_REQUIRE(writer->write({claim("ann", 0)}));
  sqlite::connection other{options.path, sqlite::access::read_only, 0};
  auto before = other.integer("PRAGMA data_version");
  for (int i = 0; i < 5; ++i)
    CAF_CHECK(!writer->ping());
  CAF_CHECK_EQUAL(other.integer("PRAGMA data_version"), before);
  CAF_REQUIRE(writer->write({claim("bob", 0)}));
  CAF_CHECK(other.integer("PRAGMA data_version") != before);
}

CAF_TEST(a store of one node has no cluster and rejects writes of one) {
  auto opened = store->open_cluster(1000);
  CAF_CHECK(failure_of(opened) == errc::bad_options);
  CAF_CHECK(describe(opened.error()).find("a cluster needs storage.backend mysql") != std::string::npos);
  CAF_CHECK(failure_of(store->open_shards(1000)) == errc::bad_options);
  auto writer = of(store->open_writer());
  auto c = claim("ann", 0);
  c.held = {1, 1};
  auto written = writer->write({claim("bob", 0), c});
  CAF_CHECK(failure_of(written) == errc::rejected);
  CAF_CHECK(describe(written.error()).find("storage.backend mysql") != std::string::npos);
  CAF_CHECK(failure_of(writer->write({event_batch_write{{event("e-1", beckon::decision::event_type::click)},
                                                        {{1, {0, 0}}, {2, {1, 1}}}}}))
            == errc::rejected);
  CAF_CHECK(of(writer->load_users({"bob"})).at(0).state.empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
