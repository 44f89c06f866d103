#pragma once

// Events: part of the contract suite, included by contract.hpp.

namespace beckon::storage::test {

CAF_TEST_FIXTURE_SCOPE(contract_event_tests, contract_steps)

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
  make_popup("welcome");
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
  make_popup("welcome");
  auto e = event("e-1", type::dismiss);
  e.at_ms = noon_ms + 60'000;
  e.received_ms = noon_ms;
  write({event_batch_write{{e}}});
  auto ann = decision::decode_user_state(user("ann").state);
  CAF_REQUIRE(ann && ann->find("welcome"));
  CAF_CHECK_EQUAL(ann->find("welcome")->dismissed_ms, noon_ms);
}

CAF_TEST(jobs of a group see what earlier ones wrote) {
  make_popup("welcome");
  auto outcomes = write({claim("ann", 0), event_batch_write{{event("e-1", type::click)}}, claim("ann", 1),
                         claim("ann", 2), event_batch_write{{event("e-2", type::dismiss)}}});
  CAF_CHECK_EQUAL(outcomes[1].changed.at(0).version, 2u);
  CAF_CHECK(outcomes[2].status == write_status::conflict);
  CAF_CHECK(outcomes[3].status == write_status::done);
  CAF_CHECK_EQUAL(outcomes[4].changed.at(0).version, 4u);
}

CAF_TEST(an event about a popup that never was moves no state) {
  auto made_up = event("e-1", type::click);
  made_up.popup = "made-up";
  auto out = write_one(event_batch_write{{made_up}});
  CAF_CHECK(out.changed.empty());
  CAF_CHECK(user("ann").state.empty());
  CAF_CHECK_EQUAL(listed({}), (strings{"e-1"}));
  CAF_CHECK_EQUAL(stats_text(*reader, "made-up"), "click a 1/1 ");
  write({claim("ann", 0), event_batch_write{{event("e-2", type::dismiss)}}});
  CAF_CHECK_EQUAL(state_version("ann"), 1u);
  write_one(popup_write{"welcome", 7, "{}", noon_ms}); // a conflict makes no popup either
  CAF_CHECK(write_one(event_batch_write{{event("e-3", type::dismiss)}}).changed.empty());
}

CAF_TEST(an event about an erased popup still moves the state) {
  auto outcomes =
      write({popup_write{"welcome", {}, "{}", noon_ms}, event_batch_write{{event("e-1", type::click)}},
             popup_erase{"welcome", {}, noon_ms}, event_batch_write{{event("e-2", type::dismiss)}}});
  CAF_CHECK_EQUAL(outcomes[1].changed.size(), 1u);
  CAF_CHECK_EQUAL(outcomes[3].changed.size(), 1u);
  write_one(event_batch_write{{event("e-3", type::convert)}});
  CAF_CHECK_EQUAL(state_version("ann"), 3u);
}

CAF_TEST(an unreadable state stays unchanged and blocks no other) {
  make_popup("welcome");
  auto broken = claim("ann", 0);
  broken.state = "\xff\xffno state";
  write({broken});
  event_batch_write batch{{event("e-1", type::click), event("e-2", type::click, "bob"),
                           event("e-3", type::dismiss), event("e-4", type::impression)}};
  auto out = write_one(batch);
  CAF_CHECK_EQUAL(out.unreadable_states, 1u);
  CAF_CHECK_EQUAL(out.unreadable_user, "ann");
  CAF_REQUIRE_EQUAL(out.changed.size(), 1u);
  CAF_CHECK_EQUAL(out.changed[0].user, "bob");
  CAF_CHECK_EQUAL(user("ann").state, broken.state);
  CAF_CHECK_EQUAL(state_version("bob"), 1u);
  CAF_CHECK_EQUAL(stats_text(*reader, "welcome"), "click a 2/2 dismiss a 1/1 impression a 1/1 show a 1/1 ");
  CAF_CHECK_EQUAL(listed({}).size(), 4u);
  out = write_one(batch);
  CAF_CHECK_EQUAL(out.duplicates, 4u);
  CAF_CHECK_EQUAL(out.unreadable_states, 0u);
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

CAF_TEST_FIXTURE_SCOPE_END()

} // namespace beckon::storage::test
