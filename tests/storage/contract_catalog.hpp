#pragma once

// Popups and settings: part of the contract suite, included by contract.hpp.

namespace beckon::storage::test {

CAF_TEST_FIXTURE_SCOPE(contract_catalog_tests, contract_steps)

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

CAF_TEST(a popup write tells whether there was one and may insist on it) {
  popup_write insisting{"a", {}, "{\"x\":1}", noon_ms, true};
  auto outcomes = write({insisting, popup_write{"a", {}, "{}", noon_ms}, insisting,
                         popup_write{"a", 7, "{}", noon_ms}, popup_erase{"a", {}, noon_ms}, insisting,
                         popup_write{"a", {}, "{}", noon_ms}, popup_write{"b", 0, "{}", noon_ms}});
  strings told;
  for (const auto& o : outcomes)
    told.push_back(std::string{o.status == write_status::done ? "done" : "conflict"}
                   + (o.existed ? " existed " : " new ") + std::to_string(o.revision));
  told.erase(told.begin() + 4); // the erase
  CAF_CHECK_EQUAL(told, (strings{"conflict new 0", "done new 1", "done existed 2", "conflict existed 2",
                                 "conflict new 0", "done new 3", "done new 1"}));
  CAF_CHECK_EQUAL(catalog().version, 5u);
  insisting.expected_revision = 2;
  CAF_CHECK(write_one(insisting).status == write_status::conflict);
  insisting.expected_revision = 3;
  CAF_CHECK_EQUAL(write_one(insisting).revision, 4u);
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
