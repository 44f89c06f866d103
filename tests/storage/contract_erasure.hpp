#pragma once

// The erasure of users with many events: part of the contract suite, included by contract.hpp.

namespace beckon::storage::test {

namespace {

struct erasure_steps : contract_steps {
  /// Events "<prefix>0" and so on, a millisecond apart.
  void store_events(const std::string& prefix, int count, const std::string& user = "ann",
                    int64_t from_ms = noon_ms) {
    event_batch_write batch;
    for (int i = 0; i < count; ++i)
      batch.events.push_back(impression(prefix + std::to_string(i), from_ms + i, user));
    CAF_REQUIRE_EQUAL(write_one(batch).duplicates, 0u);
  }

  write_outcome erase(uint32_t limit, const std::string& user = "ann") {
    return write_one(user_erase{user, 7, {}, noon_ms, limit});
  }

  write_outcome piece(uint32_t limit, const std::string& user = "ann") {
    return write_one(erase_piece{user, 7, {}, limit});
  }

  /// The marked users.
  strings marked(const std::string& after = "", uint32_t limit = 10) {
    auto rows = reader->load_erasures(after, limit);
    if (!rows)
      CAF_FAIL(storage::describe(rows.error()));
    strings out;
    for (const auto& r : *rows)
      out.push_back(r.user);
    return out;
  }

  /// All pieces that are left; how many events they deleted.
  uint32_t finish(uint32_t limit, const std::string& user = "ann") {
    uint32_t deleted = 0;
    for (int turns = 0; turns < 100; ++turns) {
      auto out = piece(limit, user);
      CAF_REQUIRE(out.status == write_status::done);
      CAF_CHECK(out.affected <= limit);
      deleted += out.affected;
      if (!out.more)
        return deleted;
    }
    CAF_FAIL("the erasure has no end");
    return deleted;
  }

  strings listed_of(const std::string& user) {
    event_filter f;
    f.user = user;
    return listed(f);
  }

  void check_nothing_shown() {
    CAF_CHECK(listed({}).empty());
    CAF_CHECK(listed_of("ann").empty());
    event_filter f;
    f.popup = "welcome";
    CAF_CHECK(listed(f).empty());
    CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "");
    CAF_CHECK(user("ann").state.empty() && user("ann").attributes.empty());
    CAF_CHECK_EQUAL(answer("ann", "r-1", 0), "none");
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(contract_erasure_tests, erasure_steps)

CAF_TEST(a user with few events is erased at once) {
  store_events("e-", 3);
  auto out = erase(4);
  CAF_CHECK(out.status == write_status::done && !out.more);
  CAF_CHECK(marked().empty());
  CAF_CHECK(piece(4).status == write_status::not_found);
  CAF_CHECK(erase(4).status == write_status::not_found);
  store_events("e-", 3); // the ids are free again
}

CAF_TEST(a mark hides everything and the counters are right at once) {
  write({claim_with_answer("ann", 0, {"r-1", noon_ms, "x"}), profile_write{1, "ann", "{}", noon_ms}});
  store_events("e-", 10);
  auto out = erase(3);
  CAF_CHECK(out.status == write_status::done && out.more);
  CAF_CHECK_EQUAL(marked(), strings{"ann"});
  check_nothing_shown();
  auto rows = reader->load_erasures("", 10);
  CAF_REQUIRE(rows && rows->size() == 1);
  CAF_CHECK_EQUAL(rows->at(0).shard, 7u);
  CAF_CHECK_EQUAL(rows->at(0).begun_ms, noon_ms);
}

CAF_TEST(pieces are bounded and the last one takes the mark away) {
  store_events("e-", 10);
  store_events("b-", 4, "bob", noon_ms + 2);
  CAF_CHECK(erase(3).more);
  for (int i = 0; i < 2; ++i) {
    auto out = piece(3);
    CAF_CHECK(out.status == write_status::done && out.more);
    CAF_CHECK_EQUAL(out.affected, 3u);
    CAF_CHECK_EQUAL(listed({}).size(), 4u);
    CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "impression a 4/1 ");
  }
  auto last = piece(3);
  CAF_CHECK(last.status == write_status::done && !last.more);
  CAF_CHECK_EQUAL(last.affected, 1u);
  CAF_CHECK(marked().empty());
  CAF_CHECK(piece(3).status == write_status::not_found);
  CAF_CHECK_EQUAL(listed({}).size(), 4u);
  store_events("e-", 10); // all of them are gone
}

CAF_TEST(other users are shown between marked ones) {
  for (int i = 0; i < 4; ++i) {
    store_events("e-" + std::to_string(i) + "-", 1, "ann", noon_ms + i);
    store_events("b-" + std::to_string(i) + "-", 1, "bob", noon_ms + i);
  }
  CAF_CHECK(erase(1).more);
  CAF_CHECK_EQUAL(listed({}, 1), (strings{"b-0-0", "b-1-0", "b-2-0", "b-3-0"}));
  CAF_CHECK_EQUAL(listed_of("bob").size(), 4u);
  CAF_CHECK(listed_of("ann").empty());
}

CAF_TEST(who comes back in between keeps what is new) {
  make_popup("welcome");
  store_events("e-", 6);
  CAF_CHECK(erase(2).more);
  write({claim_with_answer("ann", 0, {"r-1", noon_ms, "new"}), profile_write{7, "ann", "{}", noon_ms}});
  // Before, among and after the old ones in time; more of them than a piece looks at.
  store_events("n-", 5, "ann", noon_ms - 5);
  store_events("m-", 1, "ann", noon_ms + 3);
  auto clicked = event("n-click", type::click);
  clicked.at_ms = noon_ms + 100;
  auto batch = write_one(event_batch_write{{clicked}});
  CAF_CHECK_EQUAL(batch.changed.size(), 1u);
  const strings all{"n-0", "n-1", "n-2", "n-3", "n-4", "m-0", "n-click"};
  const auto* counted = "click a 1/1 impression a 6/1 show a 1/1 ";
  CAF_CHECK_EQUAL(listed_of("ann"), all);
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), counted);
  CAF_CHECK_EQUAL(finish(2), 4u);
  CAF_CHECK_EQUAL(listed_of("ann"), all);
  CAF_CHECK_EQUAL(listed({}), all);
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), counted);
  CAF_CHECK_EQUAL(user("ann").attributes, "{}");
  CAF_CHECK_EQUAL(answer("ann", "r-1", 0), "new");
  CAF_CHECK_EQUAL(state_version("ann"), 2u);
}

CAF_TEST(an old event that comes again is a duplicate as long as its row is there) {
  store_events("e-", 4);
  CAF_CHECK(erase(2).more);
  event_batch_write again{{impression("e-0", noon_ms), impression("e-3", noon_ms + 3)}};
  CAF_CHECK_EQUAL(write_one(again).duplicates, 1u); // e-0 has been deleted
  CAF_CHECK_EQUAL(listed({}), strings{"e-0"});
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "impression a 1/1 ");
  finish(2);
  CAF_CHECK_EQUAL(listed({}), strings{"e-0"});
  CAF_CHECK_EQUAL(write_one(again).duplicates, 1u); // e-0 is of the new life
  CAF_CHECK_EQUAL(listed({}), (strings{"e-0", "e-3"}));
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "impression a 2/1 ");
}

CAF_TEST(who is erased again while the mark is there loses the new life too) {
  store_events("e-", 6);
  CAF_CHECK(erase(2).more);
  CAF_CHECK(piece(2).more);
  write({claim("ann", 0)});
  store_events("n-", 3, "ann", noon_ms - 10); // where the pieces have been already
  auto out = erase(2);
  CAF_CHECK(out.status == write_status::done && out.more);
  check_nothing_shown();
  CAF_CHECK_EQUAL(marked(), strings{"ann"});
  store_events("l-", 1);
  CAF_CHECK_EQUAL(finish(2), 5u);
  CAF_CHECK_EQUAL(listed({}), strings{"l-0"});
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "impression a 1/1 ");
}

CAF_TEST(numbers of deleted events are not given again) {
  store_events("a-", 4);
  store_events("b-", 2, "bob");
  CAF_CHECK(erase(1).more);
  CAF_CHECK(!erase(10, "bob").more); // the newest of all are gone
  store_events("n-", 2, "ann", noon_ms + 50);
  CAF_CHECK_EQUAL(listed({}), (strings{"n-0", "n-1"}));
  finish(1);
  CAF_CHECK_EQUAL(listed({}), (strings{"n-0", "n-1"}));
}

CAF_TEST(events of one group are before and after the mark as they are in the group) {
  auto out = write({event_batch_write{{impression("e-1", noon_ms), impression("e-2", noon_ms)}},
                    user_erase{"ann", 7, {}, noon_ms, 1}, event_batch_write{{impression("e-3", noon_ms)}},
                    erase_piece{"ann", 7, {}, 1}});
  CAF_CHECK(out[1].more && out[3].more);
  CAF_CHECK_EQUAL(listed({}), strings{"e-3"});
  finish(1);
  CAF_CHECK_EQUAL(listed({}), strings{"e-3"});
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "impression a 1/1 ");
}

CAF_TEST(a page looks at a bounded number of erased events) {
  auto rows = static_cast<int>(event_rows_looked_at(1)) + 5;
  event_batch_write batch;
  for (int i = 0; i < rows; ++i)
    batch.events.push_back(impression("e-" + std::to_string(i), noon_ms));
  batch.events.push_back(impression("bob", noon_ms, "bob"));
  write({batch});
  CAF_CHECK(erase(1).more);
  auto page = reader->load_events({}, {}, 1);
  CAF_REQUIRE(page);
  CAF_CHECK(page->events.empty() && !page->last);
  CAF_CHECK_EQUAL(listed({}, 1), strings{"bob"});
}

CAF_TEST(marked users are listed in order and page by page) {
  for (const auto* who : {"cyd", "ann", "bob"}) {
    store_events(std::string{who} + "-", 2, who);
    CAF_CHECK(erase(1, who).more);
  }
  CAF_CHECK_EQUAL(marked(), (strings{"ann", "bob", "cyd"}));
  CAF_CHECK_EQUAL(marked("", 2), (strings{"ann", "bob"}));
  CAF_CHECK_EQUAL(marked("bob", 2), strings{"cyd"});
  finish(1, "bob");
  CAF_CHECK_EQUAL(marked(), (strings{"ann", "cyd"}));
}

CAF_TEST_FIXTURE_SCOPE_END()

} // namespace beckon::storage::test
