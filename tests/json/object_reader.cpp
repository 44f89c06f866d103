#define CAF_SUITE json.object_reader

#include "json/object_reader.hpp"

#include <caf/test/unit_test.hpp>

using namespace beckon;
using need = json::object_reader::need;

namespace {

struct fixture {
  json::document d;
  json::path root;
  json::field_errors errors;

  json::object_reader read(std::string_view text) {
    errors.clear();
    if (json::parse(text, d))
      CAF_FAIL("not JSON: " << std::string{text});
    return {d, root, errors};
  }

  std::string all() const {
    std::string result;
    for (const auto& e : errors)
      result += e.pointer + " " + e.detail + "\n";
    return result;
  }

  bool says(std::string_view pointer, std::string_view part) const {
    for (const auto& e : errors)
      if (e.pointer == pointer && e.detail.find(part) != std::string::npos)
        return true;
    return false;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(object_reader_tests, fixture)

CAF_TEST(each kind of member) {
  auto in = read(R"({"s":"x","id":"u-1","b":true,"i":7,"w":3.0,"n":2.5,"d":"90s","t":"2026-11-20T10:30:00Z",)"
                 R"("a":[1,2],"o":{},"null":null})");
  CAF_CHECK(in.string("s") == "x");
  CAF_CHECK(in.identifier("id") == "u-1");
  CAF_CHECK(in.boolean("b") == true);
  CAF_CHECK(in.integer("i", 0, 7) == 7);
  CAF_CHECK(in.integer("w", 0, 7) == 3);
  CAF_CHECK(in.number("n", 0, 3) == 2.5);
  CAF_CHECK(in.duration_ms("d") == 90'000);
  CAF_CHECK(in.time_ms("t") == 1795170600000);
  CAF_CHECK(in.array("a", 1, 2) != nullptr);
  CAF_CHECK(in.object("o") != nullptr);
  CAF_CHECK(in.member("null") == nullptr);
  CAF_CHECK(in.member("absent") == nullptr);
  in.finish();
  CAF_CHECK_EQUAL(all(), "");
}

CAF_TEST(wrong members are named with their place) {
  auto in =
      read(R"({"s":1,"id":"a\nb","b":"true","i":8,"f":1.5,"n":9,"d":90,"z":"0s","t":"2026-13-01T00:00:00Z",)"
           R"("a":[],"o":[]})");
  CAF_CHECK(!in.string("s"));
  CAF_CHECK(!in.identifier("id"));
  CAF_CHECK(!in.boolean("b"));
  CAF_CHECK(!in.integer("i", 0, 7));
  CAF_CHECK(!in.integer("f", 0, 7));
  CAF_CHECK(!in.number("n", 0, 3));
  CAF_CHECK(!in.duration_ms("d"));
  CAF_CHECK(!in.duration_ms("z"));
  CAF_CHECK(!in.time_ms("t"));
  CAF_CHECK(in.array("a", 1, 2) == nullptr);
  CAF_CHECK(in.object("o") == nullptr);
  CAF_CHECK(!in.string("absent", need::required));
  in.finish();
  CAF_CHECK_EQUAL(errors.size(), 12u);
  for (const auto* pointer : {"/s", "/id", "/b", "/i", "/f", "/n", "/d", "/z", "/t", "/a", "/o"})
    CAF_CHECK(says(pointer, "must"));
  CAF_CHECK(says("/i", "from 0 to 7"));
  CAF_CHECK(says("/absent", "is required"));
}

CAF_TEST(null counts as absent) {
  auto in = read(R"({"a":null})");
  CAF_CHECK(!in.string("a", need::required));
  CAF_CHECK(says("/a", "must not be null: null is no value"));
  CAF_CHECK(!in.string("b", need::required));
  CAF_CHECK(says("/b", "is required"));
}

CAF_TEST(unknown members are named with the nearest known one) {
  auto in = read(R"({"placments":1,"zebra":2,"user":"u","a/b~c":null})");
  in.string("user");
  in.member("placements");
  in.finish();
  CAF_CHECK_EQUAL(errors.size(), 3u);
  CAF_CHECK(says("/placments", "did you mean \"placements\"?"));
  CAF_CHECK(says("/zebra", "leave it out"));
  CAF_CHECK(says("/a~1b~0c", "not a known member"));
}

CAF_TEST(nested places) {
  auto in = read(R"({"list":[{"x":"y"}]})");
  auto at_list = in.at("list");
  json::path at_element{&at_list, {}, 0};
  json::object_reader inner{(*in.array("list", 1, 1))[0], at_element, errors};
  inner.integer("x", 0, 1);
  CAF_CHECK(says("/list/0/x", "whole number"));
}

CAF_TEST(anything but an object is one error) {
  auto in = read("[1]");
  CAF_CHECK(!in.string("a", need::required));
  in.finish();
  CAF_CHECK_EQUAL(all(), " must be a JSON object\n");
}

CAF_TEST(errors are bounded in number and size) {
  std::string text = "{";
  for (int i = 0; i < 1000; ++i)
    text += "\"" + std::to_string(i) + std::string(300, 'x') + "\":1,";
  auto in = read(text + "\"last\":1}");
  in.finish();
  CAF_CHECK_EQUAL(errors.size(), json::field_errors_max);
  CAF_CHECK(errors.front().pointer.size() < 300);
}

CAF_TEST(identifiers) {
  for (const auto& good : {std::string{"a"}, std::string(128, 'x'), std::string{"ü/€ \U0001F600"}})
    CAF_CHECK(json::is_identifier(good));
  for (const auto& bad :
       {std::string{}, std::string(129, 'x'), std::string{"a\nb"}, std::string{"\0", 1}, std::string{"\x7F"},
        std::string{"\xC2\x85"}, std::string{"\xC2"}, std::string{"\xFF"}})
    CAF_CHECK(!json::is_identifier(bad));
  CAF_CHECK(json::is_identifier("\xC2\xA0"));
}

CAF_TEST(the nearest name) {
  std::vector<std::string_view> known = {"placements", "priority", "window", "id", "status"};
  CAF_CHECK(json::nearest("placement", known) == "placements");
  CAF_CHECK(json::nearest("pirority", known) == "priority");
  CAF_CHECK(json::nearest("stauts", known) == "status");
  CAF_CHECK(json::nearest("di", known) == "id");
  CAF_CHECK(!json::nearest("zz", known));
  CAF_CHECK(!json::nearest("elephant", known));
  CAF_CHECK(!json::nearest(std::string(1000, 'p'), known));
  CAF_CHECK(!json::nearest("x", {}));
  CAF_CHECK(!json::nearest("xt", {"lt", "gt"})); // as near to the one as to the other
  CAF_CHECK(json::nearest("xt", {"lt", "lt"}) == "lt");
}

CAF_TEST_FIXTURE_SCOPE_END()
