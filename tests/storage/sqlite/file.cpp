#define CAF_SUITE storage.sqlite_file
#include "storage/sqlite/file.hpp"

#include "storage/sqlite/migrations.hpp"
#include "storage/sqlite/store.hpp"
#include "tests/storage/job_samples.hpp"
#include "tests/storage/scratch_directory.hpp"
#include "tests/storage/sqlite/usual_options.hpp"

#include <caf/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <unistd.h>

using namespace beckon::storage;
using namespace beckon::storage::test;

namespace {

std::string bytes_of(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void put(const std::string& path, const std::string& bytes) {
  std::ofstream{path, std::ios::binary} << bytes;
}

struct fixture {
  scratch_directory scratch;
  const std::string path = scratch.file("beckon.db");

  sqlite_options options() const { return usual_options(path); }

  store_ptr open() const {
    auto store = open_sqlite(options());
    if (!store)
      CAF_FAIL(describe(store.error()));
    return std::move(*store);
  }

  /// Opening must fail and leave the bytes of the file as they are.
  std::string refused(errc code) const {
    auto before = bytes_of(path);
    auto store = open_sqlite(options());
    CAF_REQUIRE(!store);
    CAF_CHECK_EQUAL(to_string(code_of(store.error())), to_string(code));
    CAF_CHECK(bytes_of(path) == before);
    return describe(store.error());
  }

  void run(const std::string& sql) const {
    sqlite::connection db{path, sqlite::access::create, 0};
    db.execute(sql);
  }

  bool names(const std::string& text, const std::string& what) const {
    return text.find(what) != std::string::npos;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(sqlite_file_tests, fixture)

CAF_TEST(a new store appears complete and in place) {
  auto store = open();
  CAF_CHECK_EQUAL(store->describe(), "sqlite " + path);
  CAF_CHECK(!std::filesystem::exists(path + ".new"));
  sqlite::connection db{path, sqlite::access::read_only, 0};
  CAF_CHECK_EQUAL(db.integer("PRAGMA application_id"), sqlite::store_schema().application_id);
  CAF_CHECK_EQUAL(db.integer("PRAGMA user_version"), sqlite::store_schema().version);
}

CAF_TEST(every commit is synced and none checkpoints) {
  open();
  auto db = sqlite::open_migrated(options(), sqlite::store_schema());
  CAF_CHECK_EQUAL(db.integer("PRAGMA synchronous"), 2);
  CAF_CHECK_EQUAL(db.integer("PRAGMA wal_autocheckpoint"), 0);
  CAF_CHECK_EQUAL(bytes_of(path).substr(18, 2), "\2\2"); // WAL, in the file itself
}

CAF_TEST(reopening keeps everything) {
  {
    auto writer = std::move(*open()->open_writer());
    auto outcomes =
        writer->write({claim_with_answer("ann", 0, {"r-1", noon_ms, "{}"}),
                       event_batch_write{{event("e-1", beckon::decision::event_type::click, "bob")}},
                       popup_write{"welcome", {}, "{}", noon_ms}, settings_write{"{}", {}},
                       profile_write{0, "ann", "{\"a\":1}", noon_ms}});
    CAF_REQUIRE(outcomes);
  }
  CAF_CHECK(!std::filesystem::exists(path + "-wal"));
  auto reader = std::move(*open()->open_reader());
  auto users = reader->load_users({"ann"});
  CAF_REQUIRE(users);
  CAF_CHECK_EQUAL(users->at(0).state, state_bytes(1));
  CAF_CHECK_EQUAL(users->at(0).attributes, "{\"a\":1}");
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "click a 1/1 show a 1/1 ");
  CAF_CHECK_EQUAL(event_ids(*reader, {}, 10).size(), 1u);
  auto catalog = reader->load_catalog();
  CAF_REQUIRE(catalog && catalog->popups.size() == 1);
  CAF_CHECK_EQUAL(catalog->version, 2u);
  auto answer = reader->load_answer("ann", "r-1", 0);
  CAF_CHECK(answer && *answer == "{}");
}

CAF_TEST(an empty file becomes a store) {
  put(path, "");
  CAF_CHECK(open() != nullptr);
}

CAF_TEST(a database without content becomes a store) {
  run("PRAGMA journal_mode = WAL");
  CAF_REQUIRE(std::filesystem::file_size(path) > 0);
  auto writer = std::move(*open()->open_writer());
  CAF_CHECK(!writer->ping());
}

CAF_TEST(the remains of a killed creation are removed) {
  put(path + ".new", "half");
  put(path + ".new-wal", "a database");
  CAF_CHECK(open() != nullptr);
  CAF_CHECK(!std::filesystem::exists(path + ".new"));
  CAF_CHECK(!std::filesystem::exists(path + ".new-wal"));
}

CAF_TEST(a write - ahead log without its database is not taken over) {
  put(path + "-wal", "frames of a database that is gone");
  auto store = open_sqlite(options());
  CAF_REQUIRE(!store);
  CAF_CHECK(code_of(store.error()) == errc::bad_options);
  CAF_CHECK(names(describe(store.error()), path + "-wal"));
  CAF_CHECK(!std::filesystem::exists(path));
}

CAF_TEST(a newer schema is refused untouched) {
  open();
  run("PRAGMA user_version = 1000");
  auto text = refused(errc::schema_newer);
  CAF_CHECK(names(text, path) && names(text, "1000"));
}

CAF_TEST(a newer schema that stands in the write - ahead log alone is refused untouched) {
  open();
  {
    sqlite::connection db{path, sqlite::access::read_write, 0};
    db.leave_untouched_on_close();
    db.execute("PRAGMA user_version = 1000");
  }
  CAF_REQUIRE(std::filesystem::file_size(path + "-wal") > 0);
  refused(errc::schema_newer);
}

CAF_TEST(a foreign database is refused untouched) {
  run("CREATE TABLE theirs(x)");
  CAF_CHECK(names(refused(errc::bad_options), path));
  run("PRAGMA application_id = 7");
  CAF_CHECK(names(refused(errc::bad_options), "7"));
}

CAF_TEST(a file that is no database is refused untouched) {
  put(path, "short");
  CAF_CHECK(names(refused(errc::corrupt), path));
  put(path, std::string(100'000, 'x'));
  refused(errc::corrupt);
}

CAF_TEST(a second opener is refused and told by which file) {
  auto first = open();
  auto second = open_sqlite(options());
  CAF_REQUIRE(!second);
  CAF_CHECK(code_of(second.error()) == errc::unavailable);
  CAF_CHECK(names(describe(second.error()), path + ".lock"));
  CAF_CHECK(names(describe(second.error()), "process " + std::to_string(::getpid()) + " has"));
  auto session = std::move(*first->open_reader());
  first.reset();
  CAF_CHECK(!open_sqlite(options())); // the session still uses the file
  session.reset();
  CAF_CHECK(open_sqlite(options()));
  CAF_CHECK_EQUAL(bytes_of(path + ".lock"), ""); // an owner that is gone is not named
}

CAF_TEST(options that cannot work are refused) {
  auto code = [](const sqlite_options& o) {
    auto store = open_sqlite(o);
    return store ? errc{} : code_of(store.error());
  };
  auto o = options();
  o.path = scratch.file("absent/beckon.db");
  CAF_CHECK(code(o) == errc::bad_options);
  o.path = "";
  CAF_CHECK(code(o) == errc::bad_options);
  o.path = scratch.file("directory");
  std::filesystem::create_directory(o.path);
  CAF_CHECK(code(o) == errc::bad_options);
  o = options();
  o.wal_checkpoint_pages = 0;
  CAF_CHECK(code(o) == errc::bad_options);
  o = options();
  o.busy_timeout_ms = -1;
  CAF_CHECK(code(o) == errc::bad_options);
}

CAF_TEST_FIXTURE_SCOPE_END()
