#pragma once

// What every store must do. A file that includes this has named its CAF_SUITE, included the test framework,
// and declared `contract_fixture`, which gives `writer` and `reader`, sessions of one empty store.
#include "tests/storage/job_samples.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace beckon::storage::test {

using type = decision::event_type;
using strings = std::vector<std::string>;

namespace {

struct contract_steps : contract_fixture {
  std::vector<write_outcome> write(std::vector<write_job> jobs) {
    auto outcomes = writer->write(jobs);
    if (!outcomes)
      CAF_FAIL(storage::describe(outcomes.error()));
    CAF_REQUIRE_EQUAL(outcomes->size(), jobs.size());
    return std::move(*outcomes);
  }

  write_outcome write_one(write_job job) { return write({std::move(job)})[0]; }

  /// Puts a popup into the catalogue, so that events about it move states.
  void make_popup(const std::string& id) { write_one(popup_write{id, {}, "{}", noon_ms}); }

  user_row user(const std::string& id) {
    auto rows = reader->load_users({id});
    if (!rows)
      CAF_FAIL(storage::describe(rows.error()));
    return rows->at(0);
  }

  std::string answer(const std::string& user, const std::string& request_id, int64_t not_before_ms) {
    auto found = reader->load_answer(user, request_id, not_before_ms);
    if (!found)
      CAF_FAIL(storage::describe(found.error()));
    return found->value_or("none");
  }

  catalog_rows catalog() {
    auto rows = reader->load_catalog();
    if (!rows)
      CAF_FAIL(storage::describe(rows.error()));
    auto version = reader->load_catalog_version();
    CAF_REQUIRE(version && *version == rows->version);
    return std::move(*rows);
  }

  uint64_t state_version(const std::string& id) {
    auto state = decision::decode_user_state(user(id).state);
    return state ? state->version : 0;
  }

  popup_row first_popup() {
    auto rows = catalog();
    return rows.popups.empty() ? popup_row{} : rows.popups[0];
  }

  strings listed(event_filter filter, uint32_t limit = 2) { return event_ids(*reader, filter, limit); }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(contract_tests, contract_steps)

// -- claims ---------------------------------------------------------------------------------------

CAF_TEST(an empty store answers everything) {
  CAF_CHECK(user("ann").state.empty());
  CAF_CHECK_EQUAL(answer("ann", "r", 0), "none");
  CAF_CHECK_EQUAL(catalog().version, 0u);
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "");
  CAF_CHECK(listed({}).empty());
  CAF_CHECK(!writer->ping() && !reader->ping());
  CAF_CHECK(write({}).empty());
}

CAF_TEST(a claim is stored and the next one must know its version) {
  CAF_CHECK(write_one(claim("ann", 0)).status == write_status::done);
  CAF_CHECK_EQUAL(user("ann").state, state_bytes(1));
  CAF_CHECK(write_one(claim("ann", 0)).status == write_status::conflict);
  CAF_CHECK(write_one(claim("ann", 2)).status == write_status::conflict);
  CAF_CHECK_EQUAL(user("ann").state, state_bytes(1));
  CAF_CHECK(write_one(claim("ann", 1)).status == write_status::done);
  CAF_CHECK_EQUAL(user("ann").state, state_bytes(2));
  CAF_CHECK(write_one(claim("bob", 1)).status == write_status::conflict);
  CAF_CHECK(user("bob").state.empty());
}

CAF_TEST(a conflict changes nothing and concerns its job alone) {
  write({claim("ann", 0)});
  auto late = claim_with_answer("ann", 0, {"r-late", noon_ms, "late"});
  auto outcomes = write({claim("bob", 0), late, claim("cyd", 0), claim("cyd", 1)});
  CAF_CHECK(outcomes[0].status == write_status::done);
  CAF_CHECK(outcomes[1].status == write_status::conflict);
  CAF_CHECK(outcomes[2].status == write_status::done);
  CAF_CHECK(outcomes[3].status == write_status::done);
  CAF_CHECK_EQUAL(answer("ann", "r-late", 0), "none");
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "show a 4/3 ");
  CAF_CHECK_EQUAL(user("cyd").state, state_bytes(2));
}

CAF_TEST(users come back in the order asked) {
  profile_write profile{7, "bob", "{\"plan\":\"free\"}", noon_ms};
  write({claim("ann", 0), profile});
  auto rows = reader->load_users({"bob", "nobody", "ann", "bob"});
  CAF_REQUIRE(rows && rows->size() == 4);
  CAF_CHECK_EQUAL(rows->at(0).user, "bob");
  CAF_CHECK_EQUAL(rows->at(0).attributes, "{\"plan\":\"free\"}");
  CAF_CHECK(rows->at(0).state.empty());
  CAF_CHECK_EQUAL(rows->at(1).user, "nobody");
  CAF_CHECK(rows->at(1).state.empty() && rows->at(1).attributes.empty());
  CAF_CHECK_EQUAL(rows->at(2).state, state_bytes(1));
  CAF_CHECK_EQUAL(rows->at(3).attributes, "{\"plan\":\"free\"}");
  profile.attributes = "{}";
  write({profile});
  CAF_CHECK_EQUAL(user("bob").attributes, "{}");
}

CAF_TEST(an answer is found by user and request id until it is too old) {
  write({claim_with_answer("ann", 0, {"r-1", noon_ms, "{\"a\":1}"})});
  CAF_CHECK_EQUAL(answer("ann", "r-1", noon_ms), "{\"a\":1}");
  CAF_CHECK_EQUAL(answer("ann", "r-1", noon_ms + 1), "none");
  CAF_CHECK_EQUAL(answer("ann", "r-2", 0), "none");
  CAF_CHECK_EQUAL(answer("bob", "r-1", 0), "none");
  auto next_day = noon_ms + decision::request_id_keep_ms + 1;
  write({claim_with_answer("ann", 1, {"r-1", next_day, "later"})});
  CAF_CHECK_EQUAL(answer("ann", "r-1", next_day), "later");
}

CAF_TEST(pruning drops the oldest answers up to its limit) {
  write({claim_with_answer("ann", 0, {"r-3", noon_ms + 3, "3"}),
         claim_with_answer("bob", 0, {"r-1", noon_ms + 1, "1"}),
         claim_with_answer("cyd", 0, {"r-2", noon_ms + 2, "2"}),
         claim_with_answer("dan", 0, {"r-9", noon_ms + 9, "9"})});
  CAF_CHECK_EQUAL(write_one(answers_prune{noon_ms + 9, 2}).affected, 2u);
  CAF_CHECK_EQUAL(answer("bob", "r-1", 0), "none");
  CAF_CHECK_EQUAL(answer("cyd", "r-2", 0), "none");
  CAF_CHECK_EQUAL(answer("ann", "r-3", 0), "3");
  CAF_CHECK_EQUAL(write_one(answers_prune{noon_ms + 9, 2}).affected, 1u);
  CAF_CHECK_EQUAL(write_one(answers_prune{noon_ms + 9, 2}).affected, 0u);
  CAF_CHECK_EQUAL(answer("dan", "r-9", 0), "9");
}

CAF_TEST(a session for reading refuses to write) {
  auto outcomes = reader->write({claim("ann", 0)});
  CAF_REQUIRE(!outcomes);
  CAF_CHECK(code_of(outcomes.error()) == errc::rejected);
}

// -- erasing --------------------------------------------------------------------------------------

CAF_TEST(erasing a user takes exactly what that user counted) {
  write({claim_with_answer("ann", 0, {"r-1", noon_ms, "x"}), claim("bob", 0), claim("ann", 1),
         profile_write{1, "ann", "{}", noon_ms},
         event_batch_write{
             {event("e-1", type::click), event("e-2", type::click, "bob"), event("e-3", type::impression)}}});
  auto outcomes = write({claim("cyd", 0), user_erase{"ann"}, user_erase{"ann"}});
  CAF_CHECK(outcomes[1].status == write_status::done);
  CAF_CHECK(outcomes[2].status == write_status::not_found);
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "click a 1/1 show a 2/2 ");
  CAF_CHECK(user("ann").state.empty() && user("ann").attributes.empty());
  CAF_CHECK_EQUAL(answer("ann", "r-1", 0), "none");
  CAF_CHECK_EQUAL(listed({}), (strings{"e-2"}));
  CAF_CHECK(write_one(claim("ann", 2)).status == write_status::conflict);
  CAF_CHECK(write_one(claim("ann", 0)).status == write_status::done);
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "click a 1/1 show a 3/3 ");
}

CAF_TEST(a user known from events alone can be erased) {
  auto custom = event("e-1", type::custom);
  custom.popup = ""; // not counted
  write({event_batch_write{{custom}}});
  CAF_CHECK(write_one(user_erase{"bob"}).status == write_status::not_found);
  CAF_CHECK(write_one(user_erase{"ann"}).status == write_status::done);
  CAF_CHECK(listed({}).empty());
  CAF_CHECK(write_one(user_erase{"ann"}).status == write_status::not_found);
  write({event_batch_write{{event("e-2", type::impression)}}});
  CAF_CHECK(write_one(user_erase{"ann"}).status == write_status::done);
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "");
}

CAF_TEST(what a user counted in the same group is taken back too) {
  auto outcomes = write(
      {claim("ann", 0), event_batch_write{{event("e-1", type::click)}}, user_erase{"ann"}, claim("ann", 0)});
  CAF_CHECK(outcomes[3].status == write_status::done);
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "show a 1/1 ");
}

CAF_TEST_FIXTURE_SCOPE_END()

} // namespace beckon::storage::test

#include "tests/storage/contract_catalog.hpp"
#include "tests/storage/contract_erasure.hpp"
#include "tests/storage/contract_events.hpp"
