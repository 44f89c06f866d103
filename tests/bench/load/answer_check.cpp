#define CAF_SUITE load.answer_check

#include "bench/load/answer_check.hpp"

#include <caf/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace beckon::load;

namespace {

const std::vector<std::string> home = {"home"};

std::string answer(std::string_view next, std::string_view popup, std::string_view reason) {
  return R"({"decision_id":"d","user":"u","catalog_version":3,"next_eligible_at":)" + std::string{next}
         + R"(,"placements":{"home":{"popup":)" + std::string{popup} + R"(,"reason":")" + std::string{reason}
         + "\"}}}";
}

constexpr std::string_view popup = R"({"id":"p","revision":2,"variant":"b","content":{}})";
constexpr std::string_view time_text = R"("2026-11-20T10:30:00.000Z")";

std::string refusal(const std::string& body) {
  std::string problem;
  CAF_CHECK(!read_decide(body, "u", home, problem));
  CAF_CHECK(!problem.empty());
  return problem;
}

} // namespace

CAF_TEST(a popup in an answer) {
  std::string problem;
  auto d = read_decide(answer(time_text, popup, "MATCH"), "u", home, problem);
  CAF_REQUIRE(d);
  CAF_CHECK_EQUAL(d->decision, "d");
  CAF_CHECK_EQUAL(d->catalog, 3u);
  CAF_CHECK_EQUAL(d->next_ms.value_or(0), 1795170600000);
  CAF_REQUIRE_EQUAL(d->shown.size(), 1u);
  CAF_CHECK_EQUAL(d->shown[0].popup, "p");
  CAF_CHECK_EQUAL(d->shown[0].variant, "b");
  CAF_CHECK_EQUAL(d->shown[0].revision, 2u);
  CAF_CHECK(d->promises && !d->unavailable);
}

CAF_TEST(answers with and without a promise) {
  std::string problem;
  CAF_CHECK(read_decide(answer(time_text, "null", "COOLDOWN"), "u", home, problem)->promises);
  CAF_CHECK(!read_decide(answer(time_text, "null", "NO_MATCH"), "u", home, problem)->promises);
  CAF_CHECK(!read_decide(answer("null", popup, "MATCH"), "u", home, problem)->promises);
  auto away = read_decide(answer(time_text, "null", "UNAVAILABLE"), "u", home, problem);
  CAF_CHECK(away->unavailable && !away->promises);
}

CAF_TEST(wrong answers to decides are seen) {
  refusal("");
  refusal("[]");
  refusal("{}");
  refusal(answer(time_text, popup, "COOLDOWN"));        // a popup without MATCH
  refusal(answer(time_text, "null", "MATCH"));          // MATCH without a popup
  refusal(answer("\"soon\"", popup, "MATCH"));          // no time
  refusal(answer(time_text, R"({"id":"p"})", "MATCH")); // no revision
  std::string problem;
  CAF_CHECK(!read_decide(answer(time_text, popup, "MATCH"), "other", home, problem));
  problem.clear();
  CAF_CHECK(!read_decide(answer(time_text, popup, "MATCH"), "u", {"home", "cart"}, problem));
  problem.clear();
  CAF_CHECK(!read_decide(answer(time_text, popup, "MATCH"), "u", {"cart"}, problem));
}

CAF_TEST(the numbers of a batch must add up) {
  std::string problem;
  auto good = read_events(R"({"accepted":2,"duplicates":1,"rejected":[{"index":3,"code":"x","detail":"y"}]})",
                          4, problem);
  CAF_REQUIRE(good);
  CAF_CHECK_EQUAL(good->accepted, 2u);
  CAF_CHECK(good->rejected == std::vector<uint64_t>{3});
  for (std::string_view bad :
       {R"({"accepted":2,"duplicates":1,"rejected":[]})", R"({"accepted":4,"duplicates":1,"rejected":[]})",
        R"({"accepted":3,"duplicates":0,"rejected":[{"index":4}]})", R"({"accepted":4,"duplicates":0})",
        "null"}) {
    problem.clear();
    CAF_CHECK(!read_events(bad, 4, problem));
    CAF_CHECK(!problem.empty());
  }
}
