#define CAF_SUITE storage.sqlite_erasure
#include "storage/sqlite/connection.hpp"
#include "storage/sqlite/store.hpp"
#include "tests/storage/job_samples.hpp"
#include "tests/storage/scratch_directory.hpp"
#include "tests/storage/sqlite/usual_options.hpp"

#include <caf/test/unit_test.hpp>

#include <memory>

// Erasures that go on after the store was closed, or was written by a program that knew none of them.

using namespace beckon::storage;
using namespace beckon::storage::test;
using strings = std::vector<std::string>;

namespace {

struct fixture {
  scratch_directory scratch;
  const std::string path = scratch.file("beckon.db");
  store_ptr store;
  std::unique_ptr<session> writer;

  fixture() { open(); }

  void open() {
    auto opened = open_sqlite(test::usual_options(path));
    if (!opened)
      CAF_FAIL(describe(opened.error()));
    store = std::move(*opened);
    writer = std::move(*store->open_writer());
  }

  void close() {
    writer = nullptr;
    store = nullptr;
  }

  write_outcome write(write_job job) {
    auto out = writer->write({std::move(job)});
    if (!out)
      CAF_FAIL(describe(out.error()));
    return out->at(0);
  }

  void store_events(const std::string& prefix, int count, const std::string& user = "ann") {
    event_batch_write batch;
    for (int i = 0; i < count; ++i)
      batch.events.push_back(impression(prefix + std::to_string(i), noon_ms + i, user));
    CAF_REQUIRE_EQUAL(write(batch).duplicates, 0u);
  }

  strings listed() { return event_ids(*writer, {}, 10); }

  void execute(const std::string& sql) {
    sqlite::connection db{path, sqlite::access::create, 0};
    db.execute(sql);
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(sqlite_erasure_tests, fixture)

CAF_TEST(an erasure goes on where it was when the store was closed) {
  store_events("e-", 6);
  CAF_CHECK(write(user_erase{"ann", 7, {}, noon_ms, 2}).more);
  CAF_CHECK(write(erase_piece{"ann", 7, {}, 2}).more);
  close();
  open();
  CAF_CHECK(listed().empty());
  CAF_CHECK_EQUAL(stats_text(*writer, "welcome"), "");
  auto marked = writer->load_erasures("", 10);
  CAF_REQUIRE(marked && marked->size() == 1);
  store_events("n-", 1);
  auto last = write(erase_piece{"ann", 7, {}, 10});
  CAF_CHECK(!last.more);
  CAF_CHECK_EQUAL(last.affected, 2u);
  CAF_CHECK_EQUAL(listed(), strings{"n-0"});
}

CAF_TEST(events that come after the store was opened again are after the mark) {
  store_events("e-", 3);
  store_events("b-", 2, "bob");
  CAF_CHECK(write(user_erase{"ann", 7, {}, noon_ms, 1}).more);
  CAF_CHECK(!write(user_erase{"bob", 7, {}, noon_ms, 10}).more); // the last numbers are free
  close();
  open();
  store_events("n-", 2);
  CAF_CHECK_EQUAL(listed(), (strings{"n-0", "n-1"}));
  CAF_CHECK(!write(erase_piece{"ann", 7, {}, 10}).more);
  CAF_CHECK_EQUAL(listed(), (strings{"n-0", "n-1"}));
}

CAF_TEST(a store from before the marks gets their table and keeps what it has) {
  write(claim("bob", 0));
  store_events("e-", 4);
  close();
  execute("DROP TABLE erasure; PRAGMA user_version = 1");
  open();
  CAF_CHECK_EQUAL(listed().size(), 4u);
  auto bob = writer->load_users({"bob"});
  CAF_REQUIRE(bob);
  CAF_CHECK_EQUAL(bob->at(0).state, state_bytes(1));
  store_events("n-", 1, "bob");
  CAF_CHECK(write(user_erase{"ann", 7, {}, noon_ms, 2}).more);
  CAF_CHECK_EQUAL(listed(), strings{"n-0"});
  CAF_CHECK_EQUAL(write(erase_piece{"ann", 7, {}, 10}).affected, 2u);
}

CAF_TEST_FIXTURE_SCOPE_END()
