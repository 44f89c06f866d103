#define CAF_SUITE json.raw_text

#include "json/raw_text.hpp"

#include <caf/test/unit_test.hpp>

using namespace beckon;

namespace {

std::string refused(const std::string& text) {
  json::document doc;
  CAF_REQUIRE(!json::parse(text, doc));
  json::field_errors errors;
  json::refuse_large_integers(text, "a", errors);
  std::string result;
  for (const auto& e : errors)
    result += e.pointer + ' ';
  return result;
}

} // namespace

CAF_TEST(white space goes and everything else stays) {
  CAF_CHECK_EQUAL(json::compacted("{ \"a b\\\"  c\" :\t[ 1e2 ,\n-0.0 , 18446744073709551616, 1.50 ] }"),
                  "{\"a b\\\"  c\":[1e2,-0.0,18446744073709551616,1.50]}");
  CAF_CHECK_EQUAL(json::compacted(" \"\\\\\" "), "\"\\\\\"");
}

CAF_TEST(members and elements) {
  const std::string text = R"( { "a" : {"b":[1,"]}"]} , "\u0063" : 1e2,"d":"x\"y" , "e":[] })";
  CAF_CHECK_EQUAL(json::raw_value(text, "a"), R"({"b":[1,"]}"]})");
  CAF_CHECK_EQUAL(json::raw_value(text, "c"), "1e2");
  CAF_CHECK_EQUAL(json::raw_value(text, "d"), R"("x\"y")");
  CAF_CHECK_EQUAL(json::raw_value(text, "e"), "[]");
  CAF_CHECK_EQUAL(json::raw_value(text, "b"), "");
  CAF_CHECK_EQUAL(json::raw_members("{}").size(), 0u);
  CAF_CHECK_EQUAL(json::raw_elements(" [ ] ").size(), 0u);
  const auto elements = json::raw_elements("[1 ,[2,3], {\"a\":4},\"5,\" ]");
  CAF_REQUIRE_EQUAL(elements.size(), 4u);
  CAF_CHECK_EQUAL(elements[1], "[2,3]");
  CAF_CHECK_EQUAL(elements[2], "{\"a\":4}");
  CAF_CHECK_EQUAL(elements[3], "\"5,\"");
}

CAF_TEST(integers beyond 64 bits are refused at their place) {
  CAF_CHECK_EQUAL(refused(R"({"a":9223372036854775807,"b":99999999999999999999})"), "");
  CAF_CHECK_EQUAL(refused(R"({"a":-9223372036854775807})"), "");
  CAF_CHECK_EQUAL(refused(R"({"a":9223372036854775808})"), "/a ");
  CAF_CHECK_EQUAL(refused(R"({"a":-9223372036854775808})"), "/a ");
  CAF_CHECK_EQUAL(refused(R"({"a":{"x/y":[1,18446744073709551615,{"z":100000000000000000000000}]}})"),
                  "/a/x~1y/1 /a/x~1y/2/z ");
  CAF_CHECK_EQUAL(refused(R"({"a":["18446744073709551615",1e30,0.1234567890123456789012345]})"), "");
  for (size_t pad = 0; pad < 40; ++pad) // wherever it stands
    CAF_CHECK_EQUAL(refused("{" + std::string(pad, ' ') + "\"a\":9223372036854775808}"), "/a ");
}
