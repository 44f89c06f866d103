#define CAF_SUITE storage.outbox

#include "storage/sqlite/outbox.hpp"

#include "tests/storage/scratch_directory.hpp"
#include "tests/storage/sqlite/usual_options.hpp"

#include <caf/test/dsl.hpp>
#include <sqlite3.h>

#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace beckon;
using namespace beckon::storage;

namespace {

struct fixture {
  storage::test::scratch_directory directory;
  outbox_options options = storage::test::usual_outbox(directory.file("outbox.db"));

  outbox_ptr open() {
    auto opened = open_outbox(options);
    if (!opened)
      CAF_FAIL(describe(opened.error()));
    kept_aside = opened->kept_aside;
    return opened->box;
  }

  static std::vector<event_row> batch(const std::string& prefix, size_t n = 1) {
    std::vector<event_row> events(n);
    for (size_t i = 0; i < n; ++i)
      events[i].id = prefix + std::to_string(i);
    return events;
  }

  static caf::error append(outbox& box, const std::vector<event_row>& events) {
    return box.append({&events});
  }

  void execute(const std::string& sql) {
    sqlite3* db = nullptr;
    CAF_REQUIRE(sqlite3_open(options.path.c_str(), &db) == SQLITE_OK);
    CAF_REQUIRE(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(db);
  }

  bool exists(const std::string& path) {
    struct stat s {};
    return ::stat(path.c_str(), &s) == 0;
  }

  std::string moved_to() {
    auto at = kept_aside.find("renamed to ");
    CAF_REQUIRE(at != std::string::npos);
    auto rest = kept_aside.substr(at + 11);
    return rest.substr(0, rest.find(' '));
  }

  std::string kept_aside;
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(outbox_tests, fixture)

CAF_TEST(batches come back in order until they are shipped) {
  auto box = open();
  for (const char* prefix : {"a", "b", "c"})
    CAF_REQUIRE(!append(*box, batch(prefix, 2)));
  auto all = box->oldest(100);
  CAF_REQUIRE(all);
  CAF_REQUIRE_EQUAL(all->size(), 3u);
  CAF_CHECK_EQUAL((*all)[0].events[1].id, "a1");
  CAF_CHECK_EQUAL((*all)[2].events[0].id, "c0");
  CAF_CHECK_EQUAL(box->depth().events, 6u);
  CAF_CHECK(box->depth().oldest_ms > 0);
  CAF_MESSAGE("a group is bounded, but never empty");
  CAF_CHECK_EQUAL(box->oldest(4)->size(), 2u);
  CAF_CHECK_EQUAL(box->oldest(1)->size(), 1u);
  CAF_REQUIRE(!box->shipped((*all)[1].seq));
  CAF_CHECK_EQUAL(box->depth().batches, 1u);
  CAF_CHECK_EQUAL(box->depth().events, 2u);
  CAF_REQUIRE(!box->shipped((*all)[2].seq));
  CAF_CHECK(box->oldest(100)->empty());
  CAF_CHECK_EQUAL(box->depth().bytes, 0u);
  CAF_CHECK_EQUAL(box->depth().oldest_ms, 0);
}

CAF_TEST(appended events survive reopening) {
  CAF_REQUIRE(!append(*open(), batch("a", 3)));
  auto box = open();
  CAF_CHECK(kept_aside.empty());
  CAF_CHECK_EQUAL(box->depth().events, 3u);
  CAF_CHECK_EQUAL(box->oldest(9)->size(), 1u);
  CAF_MESSAGE("places are never given twice");
  auto first = box->oldest(9)->front().seq;
  CAF_REQUIRE(!box->shipped(first));
  box.reset();
  box = open();
  CAF_REQUIRE(!append(*box, batch("b")));
  auto second = box->oldest(9)->front().seq;
  CAF_CHECK(second > first);
}

CAF_TEST(a full outbox takes nothing of a group) {
  options.bytes_max = 2000;
  auto box = open();
  auto small = batch("s", 10);
  auto large = batch("l", 100);
  auto err = box->append({&small, &large});
  CAF_CHECK(code_of(err) == errc::unavailable);
  CAF_CHECK(describe(err).find("outbox.bytes-max") != std::string::npos);
  CAF_CHECK_EQUAL(box->depth().events, 0u);
  CAF_CHECK(!append(*box, small));
}

CAF_TEST(a ping says that the outbox is full until something is shipped) {
  options.bytes_max = 2000;
  auto box = open();
  auto session = box->open_writer();
  CAF_CHECK(append(*box, batch("l", 100)));
  CAF_MESSAGE("a batch that never fits says nothing about others");
  CAF_CHECK(!session->ping());
  CAF_REQUIRE(!append(*box, batch("s", 10)));
  while (!append(*box, batch("s", 10)))
    ;
  CAF_CHECK(code_of(session->ping()) == errc::unavailable);
  CAF_CHECK(describe(session->ping()).find("outbox.bytes-max") != std::string::npos);
  CAF_REQUIRE(!box->shipped(box->oldest(1)->front().seq));
  CAF_CHECK(!session->ping());
}

CAF_TEST(a ping after a failed write proves that writing is possible again) {
  options.busy_timeout_ms = 1;
  auto box = open();
  auto session = box->open_writer();
  CAF_REQUIRE(!append(*box, batch("a")));
  sqlite3* other = nullptr;
  CAF_REQUIRE(sqlite3_open(options.path.c_str(), &other) == SQLITE_OK);
  CAF_REQUIRE(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  CAF_CHECK(!session->ping());
  CAF_CHECK(code_of(append(*box, batch("b"))) == errc::unavailable);
  CAF_CHECK(code_of(session->ping()) == errc::unavailable);
  CAF_REQUIRE(sqlite3_close(other) == SQLITE_OK);
  CAF_CHECK(!session->ping());
  CAF_MESSAGE("the proof leaves nothing behind");
  CAF_CHECK_EQUAL(box->depth().batches, 1u);
  CAF_CHECK_EQUAL(box->oldest(9)->size(), 1u);
}

CAF_TEST(a file that is no outbox is kept aside untouched) {
  const std::string text =
      "these are not the bytes you are looking for, and there are more than a hundred of them "
      "so that a header would fit into them easily";
  std::ofstream{options.path} << text;
  auto box = open();
  CAF_CHECK(!append(*box, batch("a")));
  CAF_CHECK(!kept_aside.empty());
  std::ifstream kept{moved_to()};
  CAF_CHECK_EQUAL(std::string(std::istreambuf_iterator<char>{kept}, {}), text);
}

CAF_TEST(another programs database is kept aside) {
  execute("CREATE TABLE mine(x); INSERT INTO mine VALUES(7); PRAGMA application_id = 99");
  auto box = open();
  CAF_CHECK_EQUAL(box->depth().events, 0u);
  CAF_CHECK(exists(moved_to()));
}

CAF_TEST(a torn file is kept aside) {
  {
    auto box = open();
    for (int i = 0; i < 50; ++i)
      CAF_REQUIRE(!append(*box, batch("a", 100)));
  }
  struct stat s {};
  CAF_REQUIRE(::stat(options.path.c_str(), &s) == 0);
  CAF_REQUIRE(s.st_size > 8192);
  CAF_REQUIRE(::truncate(options.path.c_str(), s.st_size / 2) == 0);
  auto box = open();
  CAF_CHECK_EQUAL(box->depth().events, 0u);
  CAF_CHECK(exists(moved_to()));
}

CAF_TEST(a newer outbox is refused and stays) {
  open().reset();
  execute("PRAGMA user_version = 99");
  auto refused = open_outbox(options);
  CAF_REQUIRE(!refused);
  CAF_CHECK(code_of(refused.error()) == errc::schema_newer);
  CAF_CHECK(exists(options.path));
}

CAF_TEST(a second process is refused) {
  auto box = open();
  auto second = open_outbox(options);
  CAF_REQUIRE(!second);
  CAF_CHECK(code_of(second.error()) == errc::unavailable);
  CAF_CHECK(exists(options.path));
}

CAF_TEST(a batch that cannot be read back does not stop the others) {
  {
    auto box = open();
    CAF_REQUIRE(!append(*box, batch("a")));
    CAF_REQUIRE(!append(*box, batch("b")));
  }
  execute("UPDATE batch SET body = x'00' WHERE seq = 1");
  auto box = open();
  auto left = box->oldest(9);
  CAF_REQUIRE(left);
  CAF_REQUIRE_EQUAL(left->size(), 1u);
  CAF_CHECK_EQUAL(left->front().events.front().id, "b0");
  CAF_CHECK_EQUAL(box->depth().batches, 1u);
}

CAF_TEST(a batch set aside is out of the way) {
  auto box = open();
  CAF_REQUIRE(!append(*box, batch("a")));
  CAF_REQUIRE(!append(*box, batch("b")));
  CAF_REQUIRE(!box->set_aside(box->oldest(1)->front().seq, "too large"));
  auto left = box->oldest(9);
  CAF_CHECK_EQUAL(left->size(), 1u);
  CAF_CHECK_EQUAL(left->front().events.front().id, "b0");
}

CAF_TEST(nothing is confirmed once the file is removed) {
  auto box = open();
  auto session = box->open_writer();
  CAF_REQUIRE(!append(*box, batch("a")));
  CAF_REQUIRE(::rename(options.path.c_str(), (options.path + ".away").c_str()) == 0);
  auto err = append(*box, batch("b"));
  CAF_CHECK(code_of(err) == errc::io_failed);
  CAF_CHECK(describe(err).find(options.path + ": was removed or replaced") != std::string::npos);
  CAF_CHECK(code_of(session->ping()) == errc::io_failed);
  CAF_MESSAGE("final, but what waits can be shipped");
  CAF_REQUIRE(::rename((options.path + ".away").c_str(), options.path.c_str()) == 0);
  CAF_CHECK(code_of(append(*box, batch("b"))) == errc::io_failed);
  CAF_CHECK_EQUAL(box->oldest(9)->size(), 1u);
}

CAF_TEST(a ping finds that the file was replaced) {
  auto box = open();
  auto session = box->open_writer();
  CAF_CHECK(!session->ping());
  CAF_REQUIRE(::rename(options.path.c_str(), (options.path + ".away").c_str()) == 0);
  std::ofstream{options.path} << "another";
  CAF_CHECK(code_of(session->ping()) == errc::io_failed);
  CAF_CHECK(code_of(append(*box, batch("b"))) == errc::io_failed);
}

CAF_TEST(a writing session takes events and nothing else) {
  auto box = open();
  auto session = box->open_writer();
  CAF_CHECK(!session->ping());
  auto written = session->write({event_batch_write{batch("a")}, event_batch_write{batch("b")}});
  CAF_REQUIRE(written);
  CAF_CHECK_EQUAL(written->size(), 2u);
  CAF_CHECK_EQUAL(box->depth().batches, 2u);
  auto refused = session->write({user_erase{"u"}});
  CAF_REQUIRE(!refused);
  CAF_CHECK(code_of(refused.error()) == errc::rejected);
}

CAF_TEST_FIXTURE_SCOPE_END()
