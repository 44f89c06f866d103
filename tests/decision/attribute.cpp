#define CAF_SUITE decision.attribute

#include "scenario.hpp"

#include <caf/test/unit_test.hpp>

using namespace beckon;
using namespace beckon::decision;
using namespace beckon::decision::scenario;

namespace {

std::string refused(std::string_view text) {
  json::field_errors errors;
  parse_attributes(document_of(text), {}, errors);
  return text_of(errors);
}

std::string many(int count, const std::string& value) {
  std::string result = "{";
  for (int i = 0; i < count; ++i)
    result += (i > 0 ? ",\"a" : "\"a") + std::to_string(i) + "\":" + value;
  return result + "}";
}

} // namespace

CAF_TEST(values keep their types and come out again) {
  auto a = make_attributes(R"({"z":true,"i":-7,"d":1.5,"s":"x\"y","l":[1,"a",false,2.5],"n":null,"e":[]})");
  CAF_CHECK_EQUAL(a.size(), 6u);
  CAF_CHECK(std::get<bool>(*a.find("z")));
  CAF_CHECK_EQUAL(std::get<int64_t>(*a.find("i")), -7);
  CAF_CHECK_EQUAL(std::get<double>(*a.find("d")), 1.5);
  CAF_CHECK_EQUAL(std::get<std::string>(*a.find("s")), "x\"y");
  CAF_CHECK(a.find("n") == nullptr);
  CAF_CHECK(a.find("") == nullptr);
  CAF_CHECK_EQUAL(to_json(a), R"({"d":1.5,"e":[],"i":-7,"l":[1,"a",false,2.5],"s":"x\"y","z":true})");
  CAF_CHECK_EQUAL(to_json(attributes{}), "{}");
}

CAF_TEST(set and erase keep the order) {
  attributes a;
  for (const auto* name : {"m", "a", "z", "m"})
    a.set(name, std::string{name});
  CAF_CHECK_EQUAL(to_json(a), R"({"a":"a","m":"m","z":"z"})");
  CAF_CHECK(a.erase("m"));
  CAF_CHECK(!a.erase("m"));
  CAF_CHECK(a.find("m") == nullptr);
  CAF_CHECK(a.find("z") != nullptr);
}

CAF_TEST(wrong attributes are named) {
  CAF_CHECK_EQUAL(refused("[]").substr(0, 2), ": ");
  CAF_CHECK_EQUAL(refused(R"({"a":{}})").substr(0, 4), "/a: ");
  CAF_CHECK_EQUAL(refused(R"({"a":[1,[2]]})").substr(0, 6), "/a/1: ");
  CAF_CHECK_EQUAL(refused(R"({"a":[null]})").substr(0, 6), "/a/0: ");
  CAF_CHECK(!refused(R"({"":1})").empty());
  CAF_CHECK(!refused("{\"a\\u0000\":1}").empty());
  CAF_CHECK(!refused("{\"" + std::string(129, 'x') + "\":1}").empty());
}

CAF_TEST(bounds) {
  CAF_CHECK_EQUAL(refused(many(64, "1")), "");
  CAF_CHECK(refused(many(65, "1")).find("64") != std::string::npos);
  CAF_CHECK(refused(many(5000, "1")).find("64") != std::string::npos);
  CAF_CHECK_EQUAL(refused("{\"a\":\"" + std::string(16384 - 8, 'x') + "\"}"), "");
  CAF_CHECK(refused("{\"a\":\"" + std::string(16384 - 7, 'x') + "\"}").find("16384") != std::string::npos);
  std::string list = "[1";
  for (int i = 1; i < 100; ++i)
    list += ",1";
  CAF_CHECK_EQUAL(refused("{\"a\":" + list + "]}"), "");
  CAF_CHECK(refused("{\"a\":" + list + ",1]}").find("100") != std::string::npos);
}

CAF_TEST(a patch sets and removes or changes nothing) {
  auto a = make_attributes(R"({"keep":1,"change":2,"drop":3})");
  json::field_errors errors;
  patch_attributes(a, document_of(R"({"change":"x","drop":null,"absent":null,"new":true})"), {}, errors);
  CAF_CHECK_EQUAL(text_of(errors), "");
  CAF_CHECK_EQUAL(to_json(a), R"({"change":"x","keep":1,"new":true})");
  patch_attributes(a, document_of(R"({"keep":null,"bad":{}})"), {}, errors);
  CAF_CHECK_EQUAL(errors.size(), 1u);
  CAF_CHECK_EQUAL(to_json(a), R"({"change":"x","keep":1,"new":true})");
  auto full = make_attributes(many(64, "1"));
  errors.clear();
  patch_attributes(full, document_of(R"({"b":1})"), {}, errors);
  CAF_CHECK_EQUAL(errors.size(), 1u);
  CAF_CHECK_EQUAL(full.size(), 64u);
  errors.clear();
  patch_attributes(full, document_of(R"({"b":1,"a0":null})"), {}, errors);
  CAF_CHECK_EQUAL(text_of(errors), "");
}
