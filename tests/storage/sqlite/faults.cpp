#define CAF_SUITE storage.sqlite_faults
#include "storage/sqlite/connection.hpp"
#include "storage/sqlite/store.hpp"
#include "tests/storage/job_samples.hpp"
#include "tests/storage/scratch_directory.hpp"
#include "tests/storage/sqlite/usual_options.hpp"

#include <caf/test/unit_test.hpp>

#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace beckon::storage;
using namespace beckon::storage::test;

namespace {

constexpr int users_per_group = 20;

std::string user_of(int group, int i) {
  return "u-" + std::to_string(group) + "-" + std::to_string(i);
}

/// Claims of new users, and one click of each of them on a popup that the first group makes.
std::vector<write_job> group_jobs(int group) {
  std::vector<write_job> jobs;
  event_batch_write batch;
  jobs.emplace_back(popup_write{"welcome", 0, "{}", noon_ms});
  for (int i = 0; i < users_per_group; ++i) {
    auto user = user_of(group, i);
    jobs.emplace_back(claim_with_answer(user, 0, {"r", noon_ms, "{}"}));
    batch.events.push_back(event("e-" + user, beckon::decision::event_type::click, user));
  }
  jobs.emplace_back(std::move(batch));
  return jobs;
}

struct fixture {
  scratch_directory scratch;
  sqlite_options options = usual_options(scratch.file("beckon.db"));

  fixture() {
    options.wal_checkpoint_pages = 40; // so that checkpoints happen all the time
  }

  store_ptr open() {
    auto store = open_sqlite(options);
    if (!store)
      CAF_FAIL(describe(store.error()));
    return std::move(*store);
  }

  /// How many users of the group are there with claim and click.
  static int stored_of(session& s, int group) {
    std::vector<std::string> users;
    for (int i = 0; i < users_per_group; ++i)
      users.push_back(user_of(group, i));
    auto rows = s.load_users(users);
    if (!rows)
      CAF_FAIL(describe(rows.error()));
    int found = 0;
    for (const auto& row : *rows) {
      auto state = beckon::decision::decode_user_state(row.state);
      found += state && state->version == 2 && state->find("welcome")->clicked_ms == noon_ms ? 1 : 0;
    }
    return found;
  }

  static std::string expected_stats(int groups) {
    auto n = std::to_string(groups * users_per_group);
    return "click a " + n + "/" + n + " show a " + n + "/" + n + " ";
  }
};

/// Runs in a child that never returns: writes group after group and reports each that is committed.
[[noreturn]] void write_for_ever(const sqlite_options& options, int first_group, int report_to) {
  auto store = open_sqlite(options);
  if (!store)
    _exit(1);
  auto writer = (*store)->open_writer();
  for (int group = first_group; writer; ++group) {
    if (!(*writer)->write(group_jobs(group)))
      _exit(2);
    if (::write(report_to, &group, sizeof group) != sizeof group)
      _exit(3);
  }
  _exit(4);
}

/// The last group that the child reported before it was killed, or -1. Kills it after `reports` reports.
int last_reported(const sqlite_options& options, int first_group, int reports) {
  int ends[2];
  CAF_REQUIRE(::pipe(ends) == 0);
  auto child = ::fork();
  CAF_REQUIRE(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    write_for_ever(options, first_group, ends[1]);
  }
  ::close(ends[1]);
  int last = -1;
  for (int group = 0; ::read(ends[0], &group, sizeof group) == sizeof group; --reports) {
    last = group;
    if (reports == 1)
      ::kill(child, SIGKILL);
  }
  ::close(ends[0]);
  int status = 0;
  CAF_REQUIRE(::waitpid(child, &status, 0) == child);
  CAF_CHECK(WIFSIGNALED(status));
  return last;
}

/// Runs `f` in a child process and returns what it returned.
int in_child(const std::function<int()>& f) {
  auto child = ::fork();
  CAF_REQUIRE(child >= 0);
  if (child == 0)
    _exit(f());
  int status = 0;
  CAF_REQUIRE(::waitpid(child, &status, 0) == child);
  CAF_REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(sqlite_fault_tests, fixture)

CAF_TEST(a kill loses no reported group and tears none) {
  int next = 0;
  for (int reports : {1, 7, 23, 60, 111}) {
    auto last = last_reported(options, next, reports);
    CAF_REQUIRE(last >= next);
    auto reader = std::move(*open()->open_reader());
    for (int group = 0; group <= last; ++group)
      CAF_REQUIRE_EQUAL(stored_of(*reader, group), users_per_group);
    auto in_flight = stored_of(*reader, last + 1);
    CAF_CHECK(in_flight == 0 || in_flight == users_per_group);
    next = last + (in_flight == 0 ? 1 : 2);
    CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), expected_stats(next));
    CAF_CHECK_EQUAL(stored_of(*reader, next), 0);
  }
}

CAF_TEST(a full disk is reported and changes nothing) {
  options.pages_max = 60;
  auto store = open();
  auto writer = std::move(*store->open_writer());
  int group = 0;
  caf::error full;
  for (; group < 1000 && !full; ++group) {
    auto outcomes = writer->write(group_jobs(group));
    if (!outcomes)
      full = outcomes.error();
  }
  int written = group - 1;
  CAF_CHECK(code_of(full) == errc::disk_full);
  CAF_CHECK(describe(full).find(options.path) != std::string::npos);
  auto reader = std::move(*store->open_reader());
  CAF_CHECK_EQUAL(stored_of(*reader, written), 0);
  CAF_CHECK_EQUAL(stored_of(*reader, written - 1), users_per_group);
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), expected_stats(written));
  // Not final: what needs no new page still goes, and room makes the same group go. After a failure a ping
  // proves it by a commit.
  {
    sqlite::connection other{options.path, sqlite::access::read_only, 0};
    auto before = other.integer("PRAGMA data_version");
    CAF_CHECK(!writer->ping());
    CAF_CHECK(other.integer("PRAGMA data_version") != before);
  }
  CAF_REQUIRE(writer->write({user_erase{user_of(0, 0)}}));
  writer.reset();
  reader.reset();
  store.reset();
  options.pages_max = 0;
  writer = std::move(*open()->open_writer());
  CAF_CHECK(writer->write(group_jobs(written)));
}

CAF_TEST(an error of the disk is final for the process and changes nothing) {
  open();
  constexpr int as_expected = 77;
  auto outcome = in_child([this] {
    auto store = open_sqlite(options);
    auto writer = (*store)->open_writer();
    auto reader = (*store)->open_reader();
    if (!(*writer)->write(group_jobs(0)))
      return 1;
    // Writing beyond the limit fails with EFBIG, which is no matter of space to SQLite.
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit small{4096, 4096};
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    ::setrlimit(RLIMIT_FSIZE, &small);
    auto failed = (*writer)->write(group_jobs(1));
    ::setrlimit(RLIMIT_FSIZE, &before);
    if (failed || code_of(failed.error()) != errc::io_failed)
      return 2;
    // The disk would take it again; the process must not ask it to.
    auto after = (*writer)->write(group_jobs(1));
    if (after || code_of(after.error()) != errc::io_failed || code_of((*writer)->ping()) != errc::io_failed)
      return 3;
    auto stored = (*reader)->load_users({user_of(0, 0), user_of(1, 0)});
    if (!stored || stored->at(0).state.empty() || !stored->at(1).state.empty() || (*reader)->ping())
      return 4;
    return as_expected;
  });
  CAF_CHECK_EQUAL(outcome, as_expected);
  auto reader = std::move(*open()->open_reader());
  CAF_CHECK_EQUAL(stored_of(*reader, 0), users_per_group);
  CAF_CHECK_EQUAL(stored_of(*reader, 1), 0);
}

CAF_TEST(another program holding the write lock makes the store unavailable) {
  options.busy_timeout_ms = 20;
  auto writer = std::move(*open()->open_writer());
  {
    sqlite::connection other{options.path, sqlite::access::read_write, 0};
    sqlite::transaction held{other, sqlite::transaction::kind::write};
    auto outcomes = writer->write(group_jobs(0));
    CAF_REQUIRE(!outcomes);
    CAF_CHECK(code_of(outcomes.error()) == errc::unavailable);
  }
  CAF_CHECK(writer->write(group_jobs(0)));
}

CAF_TEST(a value beyond the limits is rejected and the group with it) {
  auto store = open();
  auto writer = std::move(*store->open_writer());
  auto jobs = group_jobs(0);
  profile_write huge{0, "ann", std::string(1'000'000'001, ' '), noon_ms};
  jobs.emplace_back(std::move(huge));
  auto outcomes = writer->write(jobs);
  CAF_REQUIRE(!outcomes);
  CAF_CHECK(code_of(outcomes.error()) == errc::rejected);
  auto reader = std::move(*store->open_reader());
  CAF_CHECK_EQUAL(stored_of(*reader, 0), 0);
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "");
  CAF_CHECK(writer->write(group_jobs(0)));
}

CAF_TEST_FIXTURE_SCOPE_END()
