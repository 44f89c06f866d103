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

// -- events ---------------------------------------------------------------------------------------

CAF_TEST(an event is counted once however often it comes) {
  auto e = event("e-1", type::impression);
  auto first = write_one(event_batch_write{{e, e, event("e-2", type::impression, "bob")}});
  CAF_CHECK_EQUAL(first.duplicates, 1u);
  CAF_CHECK(first.changed.empty());
  auto again = write({event_batch_write{{e}}, event_batch_write{{event("e-3", type::impression), e}}});
  CAF_CHECK_EQUAL(again[0].duplicates, 1u);
  CAF_CHECK_EQUAL(again[1].duplicates, 1u);
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "impression a 3/2 ");
  CAF_CHECK_EQUAL(listed({}).size(), 3u);
}

CAF_TEST(events count under their name and variant) {
  auto custom = event("e-4", type::custom);
  custom.name = "opened";
  auto nameless = custom;
  nameless.id = "e-5";
  nameless.popup = "";
  auto other = event("e-6", type::click, "bob");
  other.variant = "b";
  write({event_batch_write{{event("e-1", type::click), event("e-2", type::dismiss),
                            event("e-3", type::convert), custom, nameless, other}},
         claim("cyd", 0)});
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"),
                  "click a 1/1 convert a 1/1 custom a 1/1 dismiss a 1/1 show a 1/1 click b 1/1 ");
  CAF_CHECK_EQUAL(stats_text(*reader, ""), "");
}

CAF_TEST(clicks dismissals and conversions move the state once) {
  write({claim("ann", 0)});
  event_batch_write batch{{event("e-1", type::click), event("e-2", type::dismiss, "bob"),
                           event("e-3", type::convert), event("e-4", type::impression, "cyd")}};
  auto out = write_one(batch);
  std::sort(out.changed.begin(), out.changed.end(), [](auto& a, auto& b) { return a.user < b.user; });
  CAF_REQUIRE_EQUAL(out.changed.size(), 2u);
  CAF_CHECK_EQUAL(out.changed[0].user, "ann");
  CAF_CHECK_EQUAL(out.changed[0].version, 3u);
  CAF_CHECK_EQUAL(out.changed[0].state, user("ann").state);
  CAF_CHECK_EQUAL(out.changed[1].version, 1u);
  CAF_CHECK_EQUAL(out.changed[1].state, user("bob").state);
  auto ann = decision::decode_user_state(user("ann").state);
  CAF_REQUIRE(ann && ann->find("welcome"));
  CAF_CHECK_EQUAL(ann->version, 3u);
  CAF_CHECK_EQUAL(ann->find("welcome")->clicked_ms, noon_ms);
  CAF_CHECK_EQUAL(ann->find("welcome")->converted_ms, noon_ms);
  CAF_CHECK_EQUAL(ann->find("welcome")->shows, 1u);
  auto replayed = write_one(batch);
  CAF_CHECK_EQUAL(replayed.duplicates, 4u);
  CAF_CHECK(replayed.changed.empty());
  CAF_CHECK_EQUAL(state_version("ann"), 3u);
  CAF_CHECK(user("cyd").state.empty());
}

CAF_TEST(an event never counts as later than it was received) {
  auto e = event("e-1", type::dismiss);
  e.at_ms = noon_ms + 60'000;
  e.received_ms = noon_ms;
  write({event_batch_write{{e}}});
  auto ann = decision::decode_user_state(user("ann").state);
  CAF_REQUIRE(ann && ann->find("welcome"));
  CAF_CHECK_EQUAL(ann->find("welcome")->dismissed_ms, noon_ms);
}

CAF_TEST(jobs of a group see what earlier ones wrote) {
  auto outcomes = write({claim("ann", 0), event_batch_write{{event("e-1", type::click)}}, claim("ann", 1),
                         claim("ann", 2), event_batch_write{{event("e-2", type::dismiss)}}});
  CAF_CHECK_EQUAL(outcomes[1].changed.at(0).version, 2u);
  CAF_CHECK(outcomes[2].status == write_status::conflict);
  CAF_CHECK(outcomes[3].status == write_status::done);
  CAF_CHECK_EQUAL(outcomes[4].changed.at(0).version, 4u);
}

CAF_TEST(a state that cannot be read stops the group and names the user) {
  auto broken = claim("ann", 0);
  broken.state = "\xff\xffno state";
  write({broken});
  auto outcomes = writer->write({claim("bob", 0), event_batch_write{{event("e-1", type::click)}}});
  CAF_REQUIRE(!outcomes);
  CAF_CHECK(code_of(outcomes.error()) == errc::corrupt);
  CAF_CHECK(storage::describe(outcomes.error()).find("\"ann\"") != std::string::npos);
  CAF_CHECK(user("bob").state.empty());
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "show a 1/1 ");
  CAF_CHECK(listed({}).empty());
  CAF_CHECK(write_one(event_batch_write{{event("e-1", type::impression)}}).status == write_status::done);
}

CAF_TEST(an event comes back as it went in) {
  auto e = event("e-1", type::custom);
  e.name = "opened";
  e.properties = "{\"text\":\"\xc3\xa4\xe2\x82\xac\"}";
  write({event_batch_write{{e}}});
  auto page = reader->load_events({}, {}, 10);
  CAF_REQUIRE(page && page->events.size() == 1 && page->last);
  const auto& back = page->events[0];
  CAF_CHECK(back.type == e.type);
  CAF_CHECK_EQUAL(back.at_ms, e.at_ms);
  CAF_CHECK_EQUAL(back.received_ms, e.received_ms);
  auto texts = [](const event_row& r) {
    return strings{r.id, r.name, r.user, r.popup, r.variant, r.decision_id, r.properties};
  };
  CAF_CHECK_EQUAL(texts(back), texts(e));
}

CAF_TEST(events are listed by moment then arrival) {
  write({event_batch_write{{impression("c", noon_ms + 2), impression("a", noon_ms),
                            impression("d", noon_ms + 2), impression("e", noon_ms + 2),
                            impression("b", noon_ms + 1)}}});
  for (uint32_t limit = 1; limit <= 6; ++limit)
    CAF_CHECK_EQUAL(listed({}, limit), (strings{"a", "b", "c", "d", "e"}));
}

CAF_TEST(every filter holds alone and with the others) {
  auto click = event("click", type::click, "bob");
  click.at_ms = noon_ms + 3;
  write({event_batch_write{
      {impression("a1", noon_ms, "ann", "p1"), impression("a2", noon_ms + 1, "ann", "p2"),
       impression("b1", noon_ms + 1, "bob", "p1"), impression("b2", noon_ms + 2, "bob", "p2"), click}}});
  event_filter f;
  f.since_ms = noon_ms + 1;
  CAF_CHECK_EQUAL(listed(f), (strings{"a2", "b1", "b2", "click"}));
  f.until_ms = noon_ms + 2;
  CAF_CHECK_EQUAL(listed(f), (strings{"a2", "b1"}));
  f.user = "bob";
  CAF_CHECK_EQUAL(listed(f), (strings{"b1"}));
  f.until_ms.reset();
  CAF_CHECK_EQUAL(listed(f), (strings{"b1", "b2", "click"}));
  f.type = type::click;
  CAF_CHECK_EQUAL(listed(f), (strings{"click"}));
  f = {};
  f.popup = "p1";
  CAF_CHECK_EQUAL(listed(f, 1), (strings{"a1", "b1"}));
  f.user = "ann";
  CAF_CHECK_EQUAL(listed(f), (strings{"a1"}));
  f.until_ms = noon_ms;
  CAF_CHECK(listed(f).empty());
}

CAF_TEST(a page looks at a bounded number of rows) {
  event_batch_write batch;
  auto rows = event_rows_looked_at(1) + 5;
  for (size_t i = 0; i < rows; ++i)
    batch.events.push_back(impression("e-" + std::to_string(i), noon_ms));
  batch.events.push_back(event("rare", type::click));
  write({batch});
  event_filter f;
  f.type = type::click;
  auto page = reader->load_events(f, {}, 1);
  CAF_REQUIRE(page);
  CAF_CHECK(page->events.empty() && !page->last);
  CAF_CHECK_EQUAL(listed(f, 1), (strings{"rare"}));
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

CAF_TEST(what a user counted in the same group is taken back too) {
  auto outcomes = write(
      {claim("ann", 0), event_batch_write{{event("e-1", type::click)}}, user_erase{"ann"}, claim("ann", 0)});
  CAF_CHECK(outcomes[3].status == write_status::done);
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "show a 1/1 ");
}

// -- catalogue ------------------------------------------------------------------------------------

CAF_TEST(each popup write is a revision and moves the catalogue) {
  auto outcomes =
      write({popup_write{"b", 0, "{\"n\":1}", noon_ms}, popup_write{"a", {}, "{\"n\":2}", noon_ms + 1},
             popup_write{"b", 1, "{\"n\":3}", noon_ms + 2}});
  CAF_CHECK_EQUAL(outcomes[0].revision, 1u);
  CAF_CHECK_EQUAL(outcomes[2].revision, 2u);
  CAF_CHECK_EQUAL(outcomes[2].catalog_version, 3u);
  auto rows = catalog();
  CAF_CHECK_EQUAL(rows.version, 3u);
  CAF_REQUIRE_EQUAL(rows.popups.size(), 2u);
  CAF_CHECK_EQUAL(rows.popups[0].id, "a");
  CAF_CHECK_EQUAL(rows.popups[1].document, "{\"n\":3}");
  CAF_CHECK_EQUAL(rows.popups[1].revision, 2u);
  CAF_CHECK_EQUAL(rows.popups[1].created_ms, noon_ms);
  CAF_CHECK_EQUAL(rows.popups[1].updated_ms, noon_ms + 2);
}

CAF_TEST(a popup write that expects another revision changes nothing) {
  write({popup_write{"a", {}, "{}", noon_ms}});
  auto outcomes = write({popup_write{"a", 0, "{\"x\":1}", noon_ms}, popup_write{"a", 2, "{\"x\":1}", noon_ms},
                         popup_write{"none", 1, "{\"x\":1}", noon_ms}, popup_erase{"a", 2, noon_ms}});
  for (const auto& o : outcomes)
    CAF_CHECK(o.status == write_status::conflict);
  CAF_CHECK_EQUAL(outcomes[1].revision, 1u);
  CAF_CHECK_EQUAL(outcomes[2].revision, 0u);
  CAF_CHECK_EQUAL(catalog().version, 1u);
  CAF_CHECK_EQUAL(first_popup().document, "{}");
}

CAF_TEST(an erased popup is gone but its revisions are not given again) {
  write({popup_write{"a", {}, "{}", noon_ms}, popup_write{"a", {}, "{}", noon_ms}});
  auto outcomes = write({popup_erase{"a", 2, noon_ms + 1}, popup_erase{"a", {}, noon_ms + 1},
                         popup_erase{"never", {}, noon_ms + 1}, popup_write{"a", 2, "{}", noon_ms + 1}});
  CAF_CHECK(outcomes[0].status == write_status::done);
  CAF_CHECK_EQUAL(outcomes[0].catalog_version, 3u);
  CAF_CHECK(outcomes[1].status == write_status::not_found);
  CAF_CHECK(outcomes[2].status == write_status::not_found);
  CAF_CHECK(outcomes[3].status == write_status::conflict);
  CAF_CHECK(catalog().popups.empty());
  auto again = write_one(popup_write{"a", 0, "{\"new\":1}", noon_ms + 2});
  CAF_CHECK_EQUAL(again.revision, 3u);
  CAF_CHECK_EQUAL(first_popup().created_ms, noon_ms + 2);
}

CAF_TEST(settings have revisions of their own) {
  auto first = write_one(settings_write{"{\"min_gap\":\"30m\"}", 0});
  CAF_CHECK_EQUAL(first.revision, 1u);
  CAF_CHECK_EQUAL(first.catalog_version, 1u);
  CAF_CHECK(write_one(settings_write{"{}", 0}).status == write_status::conflict);
  CAF_CHECK_EQUAL(write_one(settings_write{"{}", 5}).revision, 1u);
  CAF_CHECK_EQUAL(write_one(settings_write{"{\"a\":1}", 1}).revision, 2u);
  CAF_CHECK_EQUAL(write_one(settings_write{"{}", {}}).revision, 3u);
  CAF_CHECK_EQUAL(catalog().settings, "{}");
  CAF_CHECK_EQUAL(catalog().settings_revision, 3u);
  CAF_CHECK_EQUAL(catalog().version, 3u);
}

CAF_TEST_FIXTURE_SCOPE_END()

} // namespace beckon::storage::test
