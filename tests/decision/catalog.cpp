#define CAF_SUITE decision.catalog

#include "scenario.hpp"

#include <caf/test/unit_test.hpp>

using namespace beckon;
using namespace beckon::decision;
using namespace beckon::decision::scenario;

namespace {

std::string ids(const std::vector<popup_ptr>& popups) {
  std::string result;
  for (const auto& p : popups)
    result += p->id + " ";
  return result;
}

std::string settings_again(std::string_view text) {
  json::field_errors errors;
  auto s = parse_settings(document_of(text), errors);
  return errors.empty() ? to_json(s) : text_of(errors);
}

} // namespace

CAF_TEST(live popups are found by placement in their order) {
  auto c = make_catalog({
      make_popup("c"),
      make_popup("low", R"("priority":-5)"),
      make_popup("b", R"("priority":7)", R"(["home","cart"])"),
      make_popup("a"),
      make_popup("high", R"("priority":9)", R"(["cart"])"),
      make_popup("later", R"("window":{"from":"2099-01-01T00:00:00Z"})", R"(["cart"])"),
  });
  CAF_CHECK_EQUAL(ids(c.at("home")), "b a c low ");
  CAF_CHECK_EQUAL(ids(c.at("cart")), "high b later ");
  CAF_CHECK(c.at("nowhere").empty());
  CAF_CHECK_EQUAL(ids(c.all()), "a b c high later low ");
  CAF_CHECK_EQUAL(c.find("high")->id, "high");
  CAF_CHECK(c.find("higher") == nullptr);
}

CAF_TEST(popups that are not live are kept but not placed) {
  std::vector<popup_ptr> popups;
  for (auto status : {popup_status::draft, popup_status::paused, popup_status::archived}) {
    auto p = std::make_shared<popup>(*make_popup("p" + std::to_string(popups.size())));
    p->status = status;
    popups.push_back(p);
  }
  auto c = make_catalog(popups);
  CAF_CHECK(c.at("home").empty());
  CAF_CHECK_EQUAL(c.all().size(), 3u);
  CAF_CHECK(c.find("p1") != nullptr);
}

CAF_TEST(settings are read and written) {
  CAF_CHECK_EQUAL(settings_again(R"({"min_gap":"30m","quiet_hours":null,"holdout_percent":0})"),
                  R"({"min_gap":"30m","quiet_hours":null,"holdout_percent":0})");
  CAF_CHECK_EQUAL(settings_again("{}"), R"({"min_gap":"0s","quiet_hours":null,"holdout_percent":0})");
  CAF_CHECK_EQUAL(settings_again(R"({"min_gap":"0s"})"), settings_again("{}"));
  CAF_CHECK_EQUAL(settings_again(R"({"min_gap":null})"), settings_again("{}"));
  CAF_CHECK_EQUAL(settings_again(R"({"min_gap":"24h","holdout_percent":2.5})"),
                  R"({"min_gap":"1d","quiet_hours":null,"holdout_percent":2.5})");
}

CAF_TEST(wrong settings are refused) {
  for (const auto* text : {R"({"min_gap":30})", R"({"min_gap":"0m"})", R"({"min_gap":"x"})"})
    CAF_CHECK_EQUAL(settings_again(text).substr(0, 9), "/min_gap:");
  for (const auto* text :
       {R"({"holdout_percent":101})", R"({"holdout_percent":-0.1})", R"({"holdout_percent":"5"})"})
    CAF_CHECK_EQUAL(settings_again(text).substr(0, 17), "/holdout_percent:");
  auto quiet = settings_again(R"({"quiet_hours":{"from":"22:00","until":"07:00"}})");
  CAF_CHECK(quiet.find("/quiet_hours: quiet hours are not supported") == 0);
  CAF_CHECK(settings_again(R"({"mingap":"1m"})").find("did you mean \"min_gap\"?") != std::string::npos);
}
