#define CAF_SUITE load.rules

#include "bench/load/rules.hpp"

#include "told.hpp"

#include <caf/test/unit_test.hpp>

using namespace beckon::load;

namespace {

/// How many findings of each kind there are, e.g. "lost 2"; empty: none.
std::string text_of(const findings& f) {
  std::string out;
  for (size_t i = 0; i < finding_count; ++i) {
    auto what = static_cast<finding>(i);
    if (f.of(what).count > 0)
      out +=
          (out.empty() ? "" : ", ") + std::string{to_string(what)} + ' ' + std::to_string(f.of(what).count);
  }
  return out;
}

std::string events_found(told& t, const std::vector<std::string>& stored) {
  t.finish();
  t.all.forget_stored();
  findings f;
  for (const auto& id : stored)
    if (!t.all.stored(id))
      f.add(finding::unexpected, id);
  check_events(t.all, f);
  return text_of(f);
}

std::string times_found(told& t) {
  findings f;
  t.finish();
  check_promises(t.all, f);
  return text_of(f);
}

std::string limits_found(told& t, const popup_limits& limits, int64_t min_gap_ms = 0) {
  findings f;
  t.finish();
  check_limits(t.all, {1, min_gap_ms, {{"p", limits}}}, f);
  return text_of(f);
}

std::string repeats_found(told& t) {
  findings f;
  t.finish();
  check_repeats(t.all, f);
  return text_of(f);
}

std::string totals_found(told& t, uint64_t now) {
  findings f;
  t.finish();
  check_totals(t.all, {{"p", now}}, f);
  return text_of(f);
}

std::string user_found(told& t, uint64_t now) {
  findings f;
  t.finish();
  check_user(t.all, *t.all.find_name("u"), answered_shows(t.all)[*t.all.find_name("u")], {{"p", now}}, f);
  return text_of(f);
}

const std::vector<std::string> whole_batch = {"run-0-0", "run-0-1", "run-0-2"};

} // namespace

CAF_TEST(confirmed events must be there once) {
  told t;
  t.events(0, 3, 202);
  CAF_CHECK_EQUAL(events_found(t, whole_batch), "");
  CAF_CHECK_EQUAL(events_found(t, {"run-0-0", "run-0-2"}), "lost 1");
  CAF_CHECK_EQUAL(events_found(t, {}), "lost 3");
  CAF_CHECK_EQUAL(events_found(t, {"run-0-0", "run-0-1", "run-0-2", "run-0-1"}), "duplicated 1");
}

CAF_TEST(events that no run sent are unexpected) {
  told t;
  t.events(0, 3, 202);
  for (std::string_view id : {"run-0-3", "run-1-0", "other-0-0", "run-0-x", "run-0-", "x"}) {
    auto stored = whole_batch;
    stored.emplace_back(id);
    CAF_CHECK_EQUAL(events_found(t, stored), "unexpected 1");
  }
}

CAF_TEST(refused events must not be there and unknown ones may) {
  told refused;
  refused.events(0, 3, 422);
  CAF_CHECK_EQUAL(events_found(refused, {}), "");
  CAF_CHECK_EQUAL(events_found(refused, whole_batch), "unexpected 3");
  for (int status : {0, 503}) {
    told unknown;
    unknown.events(0, 3, status);
    CAF_CHECK_EQUAL(events_found(unknown, {}), "");
    CAF_CHECK_EQUAL(events_found(unknown, whole_batch), "");
    CAF_CHECK_EQUAL(events_found(unknown, {"run-0-1", "run-0-1"}), "duplicated 1");
  }
  told unanswered;
  unanswered.events_without_outcome(0, 3);
  CAF_CHECK_EQUAL(events_found(unanswered, whole_batch), "");
}

CAF_TEST(a batch sent again is confirmed by any attempt) {
  told t;
  t.events(0, 3, 0);
  t.events(0, 3, 202);
  CAF_CHECK_EQUAL(events_found(t, {"run-0-0"}), "lost 2");
  told first_refused;
  first_refused.events(0, 3, 0);
  first_refused.events(0, 3, 422); // the lost attempt may have stored it
  CAF_CHECK_EQUAL(events_found(first_refused, whole_batch), "");
}

CAF_TEST(a single rejected event is refused and the others are confirmed) {
  told t;
  t.events(0, 3, 202, {1});
  CAF_CHECK_EQUAL(events_found(t, {"run-0-0", "run-0-2"}), "");
  CAF_CHECK_EQUAL(events_found(t, whole_batch), "unexpected 1");
}

CAF_TEST(a popup before the promised time is too early) {
  for (int64_t second_ms : {1'500, 1'999, 2'000, 2'500}) {
    told t;
    t.shows({"u", 1'000, 1'001, 2'000});
    t.shows({"u", second_ms - 1, second_ms, 3'500});
    CAF_CHECK_EQUAL(times_found(t), second_ms < 2'000 ? "too early 1" : "");
  }
}

CAF_TEST(a cooldown is a promise as well) {
  told t;
  t.cools_down({"u", 1'000, 1'001, 2'000});
  t.shows({"u", 1'500, 1'501, 3'000});
  CAF_CHECK_EQUAL(times_found(t), "too early 1");
}

CAF_TEST(promises to others or under another catalogue or for another placement do not count) {
  told t;
  t.shows({"u", 1'000, 1'001, 2'000});
  t.shows({"v", 1'500, 1'501, 3'000});
  told_answer changed{"u", 1'500, 1'501, 3'000};
  changed.catalog = 2;
  t.shows(changed);
  told_answer elsewhere{"u", 1'500, 1'501, 3'000};
  elsewhere.placement = "cart";
  t.shows(elsewhere);
  CAF_CHECK_EQUAL(times_found(t), "");
}

CAF_TEST(answers that overlap are judged in favour of the node) {
  told either_order;
  either_order.shows({"u", 1'000, 2'600, 2'500});
  either_order.shows({"u", 1'100, 2'700, 4'500}); // the first may have been decided at 1,000, this at 2,600
  CAF_CHECK_EQUAL(times_found(either_order), "");
  told cooldown_after;
  cooldown_after.cools_down({"u", 1'000, 1'300, 3'000});
  cooldown_after.shows({"u", 1'100, 1'200, 3'000}); // what the other one cools down from
  CAF_CHECK_EQUAL(times_found(cooldown_after), "");
  told both;
  both.shows({"u", 1'000, 1'300, 3'000});
  both.shows({"u", 1'100, 1'200, 3'000}); // two popups at once, whichever was first
  CAF_CHECK_EQUAL(times_found(both), "too early 1");
}

CAF_TEST(a decision id of version 7 says when it was decided) {
  CAF_CHECK_EQUAL(uuid_v7_ms("01a1f8f7-0110-7103-a63b-3073fa5691a1").value_or(0), 0x01a1f8f70110);
  CAF_CHECK(!uuid_v7_ms("01a1f8f7-0110-4103-a63b-3073fa5691a1"));
  CAF_CHECK(!uuid_v7_ms("d"));
  told t;
  told_answer first{"u", 1'000, 9'000, 2'500};
  first.decision = "00000000-03e9-7000-8000-000000000001"; // 1,001
  told_answer second{"u", 1'000, 9'000, 3'500};
  second.decision = "00000000-07d0-7000-8000-000000000002"; // 2,000
  t.shows(first);
  t.shows(second);
  CAF_CHECK_EQUAL(times_found(t), "too early 1");
}

// Each by the clock of another node, both a little off; sending and answer by the generator's.
CAF_TEST(clocks that are known to be a little off clear the nodes) {
  for (auto [error_ms, found] : {std::pair{0, "limit broken 1"}, {1, ""}, {20, ""}}) {
    told t{std::map<std::string, uint64_t>{}, error_ms};
    told_answer first{"u", 1'002, 1'004, 2'001};
    first.decision = "00000000-03e9-7000-8000-000000000001"; // 1,001: before it was sent
    told_answer second{"u", 2'001, 2'003, 3'001};
    second.decision = "00000000-07d1-7000-8000-000000000002"; // 2,001
    t.shows(first);
    t.shows(second);
    CAF_CHECK_EQUAL(limits_found(t, {1, 1'000, 0}), found);
    CAF_CHECK_EQUAL(times_found(t), "");
  }
}

CAF_TEST(more than the clocks are off is still found) {
  told t{std::map<std::string, uint64_t>{}, 20};
  t.shows({"u", 1'000, 1'001, 2'000});
  t.shows({"u", 1'950, 1'951, 2'950});
  CAF_CHECK_EQUAL(times_found(t), "too early 1");
  CAF_CHECK_EQUAL(limits_found(t, {1, 1'000, 0}), "limit broken 1");
}

CAF_TEST(a repeated answer is no second showing) {
  told t;
  told_answer first{"u", 1'000, 1'001, 2'000};
  first.request_id = "r";
  first.decision = "same";
  auto again = first;
  again.sent_ms = 1'200;
  again.got_ms = 1'201;
  t.shows(first);
  t.shows(again);
  CAF_CHECK_EQUAL(times_found(t), "");
  CAF_CHECK_EQUAL(t.all.shows().size(), 1u);
  CAF_CHECK_EQUAL(repeats_found(t), "");
  CAF_CHECK_EQUAL(totals_found(t, 1), "");
}

CAF_TEST(limits of the catalogue) {
  told t;
  t.shows({"u", 1'000, 1'001, 0});
  t.shows({"u", 2'000, 2'001, 0});
  t.shows({"u", 4'000, 4'001, 0});
  CAF_CHECK_EQUAL(limits_found(t, {1, 0, 0}), "");
  CAF_CHECK_EQUAL(limits_found(t, {1, 1'000, 3}), "");
  CAF_CHECK_EQUAL(limits_found(t, {1, 1'002, 0}), "limit broken 1");
  CAF_CHECK_EQUAL(limits_found(t, {1, 5'000, 0}), "limit broken 2");
  CAF_CHECK_EQUAL(limits_found(t, {1, 0, 2}), "limit broken 1");
  CAF_CHECK_EQUAL(limits_found(t, {2, 5'000, 1}), ""); // another revision
  CAF_CHECK_EQUAL(limits_found(t, {1, 0, 0}, 1'500), "limit broken 1");
}

CAF_TEST(charges) {
  told t;
  t.shows({"u", 1'000, 1'001, 0});
  t.shows({"u", 2'000, 2'001, 0});
  CAF_CHECK_EQUAL(totals_found(t, 2), "");
  CAF_CHECK_EQUAL(totals_found(t, 1), "undercharged 1");
  CAF_CHECK_EQUAL(totals_found(t, 3), "overcharged 1");
  CAF_CHECK_EQUAL(user_found(t, 2), "");
  CAF_CHECK_EQUAL(user_found(t, 1), "undercharged 1");
  CAF_CHECK_EQUAL(user_found(t, 3), "overcharged 1");
}

CAF_TEST(a decide without an answer may have charged once) {
  told t;
  t.shows({"u", 1'000, 1'001, 0});
  t.decide_without_answer("u", 1'500, "");
  CAF_CHECK_EQUAL(totals_found(t, 1) + totals_found(t, 2), "");
  CAF_CHECK_EQUAL(totals_found(t, 3), "overcharged 1");
  CAF_CHECK_EQUAL(user_found(t, 2), "");
  told same_id;
  same_id.shows({"u", 1'000, 1'001, 0});
  same_id.decide_without_answer("u", 1'500, "r");
  same_id.decide_without_answer("u", 1'600, "r");
  CAF_CHECK_EQUAL(totals_found(same_id, 2), "");
  CAF_CHECK_EQUAL(totals_found(same_id, 3), "overcharged 1");
}

CAF_TEST(showings from before the run are not its own) {
  told t{std::map<std::string, uint64_t>{{"p", 5}}};
  t.shows({"u", 1'000, 1'001, 0});
  CAF_CHECK_EQUAL(totals_found(t, 6), "");
  CAF_CHECK_EQUAL(totals_found(t, 5), "undercharged 1");
  CAF_CHECK_EQUAL(totals_found(t, 7), "overcharged 1");
  CAF_CHECK_EQUAL(user_found(t, 4), ""); // may be from before
  told without{std::nullopt};
  without.shows({"u", 1'000, 1'001, 0});
  CAF_CHECK_EQUAL(totals_found(without, 9), "");
  CAF_CHECK_EQUAL(totals_found(without, 0), "undercharged 1");
}

CAF_TEST(a repeated request id with another answer) {
  told_answer first{"u", 1'000, 1'001, 2'000};
  first.request_id = "r";
  told_answer other = first;
  other.sent_ms = 1'100;
  other.got_ms = 1'101;
  other.decision = "another";
  told changed;
  changed.shows(first);
  changed.shows(other);
  CAF_CHECK_EQUAL(repeats_found(changed), "answer changed 1");
  told forgotten;
  forgotten.shows(first);
  forgotten.cools_down(other);
  CAF_CHECK_EQUAL(repeats_found(forgotten), "answer changed 1");
  told unavailable;
  unavailable.shows(first);
  other.unavailable = true;
  unavailable.cools_down(other);
  CAF_CHECK_EQUAL(repeats_found(unavailable), "");
  told late; // nothing was shown and remembered at first; now there is something to show
  late.cools_down(first);
  other.unavailable = false;
  late.shows(other);
  CAF_CHECK_EQUAL(repeats_found(late), "");
}

CAF_TEST(answers that the API does not know) {
  told t;
  t.all.sent({77, kind::decide, 1, "u", {"home"}, "", 0, 0});
  t.all.answered({77, 2, 200, "the answer is for another user", 0, std::nullopt, std::nullopt});
  findings f;
  check_answers(t.all, f);
  CAF_CHECK_EQUAL(text_of(f), "wrong answer 1");
}

CAF_TEST(a ledger that contradicts itself is not used) {
  told t;
  t.all.answered({5, 1, 200, "", 0, std::nullopt, std::nullopt});
  CAF_CHECK(!t.all.problem().empty());
  told twice;
  twice.all.begin({"run", 0, 1, 1, std::nullopt});
  CAF_CHECK(!twice.all.problem().empty());
}
