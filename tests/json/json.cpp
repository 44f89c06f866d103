#define CAF_SUITE json.json

#include "json/json.hpp"

#include <caf/test/unit_test.hpp>

#include <chrono>
#include <random>
#include <vector>

using namespace beckon;

namespace {

std::string refused(std::string_view text, size_t depth_max = json::depth_max_default) {
  json::document d;
  auto error = json::parse(text, d, depth_max);
  if (!error)
    return {};
  CAF_CHECK(d.IsNull());
  CAF_CHECK(error->offset <= text.size());
  CAF_CHECK(!error->detail.empty());
  return error->detail;
}

std::string round_trip(std::string_view text) {
  json::document d;
  auto error = json::parse(text, d);
  return error ? "refused: " + error->detail : json::to_string(d);
}

std::string nested(size_t depth, const std::string& open, const std::string& close) {
  std::string result;
  for (size_t i = 0; i < depth; ++i)
    result += open;
  for (size_t i = 0; i < depth; ++i)
    result += close;
  return result;
}

std::string object_of(size_t keys) {
  std::string result = "{";
  for (size_t i = 0; i < keys; ++i)
    result += "\"k" + std::to_string(i) + "\":1,";
  return result;
}

} // namespace

CAF_TEST(values are read as they stand) {
  struct row {
    std::string text;
    std::string again;
  };
  std::vector<row> rows = {
      {"null", "null"},
      {" true ", "true"},
      {"[]", "[]"},
      {"{}", "{}"},
      {"\"\"", "\"\""},
      {"0", "0"},
      {"-0", "0"},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"18446744073709551615", "18446744073709551615"},
      {"18446744073709551616", "18446744073709553000.0"},
      {"0.1", "0.1"},
      {"1E+2", "100.0"},
      {"5e-324", "5e-324"},
      {"1.7976931348623157e308", "1.7976931348623157e308"},
      {"19.99", "19.99"},
      {"{\"a\":[1,{\"b\":null}],\"c\":\"d\"}", "{\"a\":[1,{\"b\":null}],\"c\":\"d\"}"},
      {"\"\\u0041\\n\\/\\ud83d\\ude00\"", "\"A\\n/\U0001F600\""},
      {"\"\\u0000\"", "\"\\u0000\""},
      {"\"ü€\U0001F600\"", "\"ü€\U0001F600\""},
      {"\"\xED\x9F\xBF\xEE\x80\x80\"", "\"\xED\x9F\xBF\xEE\x80\x80\""}, // around the surrogates
  };
  for (const auto& r : rows)
    CAF_CHECK_EQUAL(round_trip(r.text), r.again);
}

CAF_TEST(text that is not JSON is refused) {
  std::vector<std::string> rows = {
      "",          " ",          "{",
      "[",         "\"",         "{\"a\"}",
      "{\"a\":}",  "{\"a\":1,}", "[1,]",
      "[,]",       "[1 2]",      "{a:1}",
      "'a'",       "tru",        "nul",
      "NaN",       "Infinity",   "-Infinity",
      "[NaN]",     "-",          "+1",
      "01",        "1.",         ".5",
      "1e",        "1e+",        "0x10",
      "1 2",       "{} {}",      "{}x",
      "null,",     "[1]]",       "\xEF\xBB\xBF{}",
      "/* c */ 1", "\"\\x41\"",  "\"\\u12g4\"",
      "\"\\u12",   "\"a\tb\"",   "\"a\nb\"",
      "]",         "}",          ":",
      ",",         "[}",         "{]",
      "{\"a\":1]", "[1}",
  };
  for (const auto& text : rows)
    if (refused(text).empty())
      CAF_ERROR("accepted: " << text);
}

CAF_TEST(a NUL byte is no end) {
  using namespace std::string_literals;
  for (const auto& text : {"{}\0"s, "{}\0garbage"s, "\0"s, "[\0]"s, "\"a\0b\""s, "{}  \0 "s, "1\0"s})
    CAF_CHECK(!refused(text).empty());
}

CAF_TEST(invalid UTF - 8 is refused) {
  std::vector<std::string> rows = {
      "\"\x80\"",
      "\"\xC0\xAF\"",
      "\"\xC1\xBF\"",
      "\"\xE0\x80\xAF\"",
      "\"\xED\xA0\x80\"",
      "\"\xED\xBF\xBF\"",
      "\"\xF0\x80\x80\x80\"",
      "\"\xF4\x90\x80\x80\"",
      "\"\xF5\x80\x80\x80\"",
      "\"\xFF\"",
      "\"\xE2\x82\"",
      "\"\xC3",
      "{\"\xC3\":1}",
      "\xC3\xA4",
  };
  for (const auto& text : rows)
    CAF_CHECK(!refused(text).empty());
}

CAF_TEST(half a surrogate pair is refused) {
  for (const auto* text : {R"("\ud800")", R"("\udc00")", R"("\ud800a")", R"("\ud800\u0041")",
                           R"("\udfff\ud800")", R"({"\udead":1})", R"("\ud800\ud800")", R"(["ok","\uDBFF"])"})
    CAF_CHECK(!refused(text).empty());
  CAF_CHECK(refused(R"("\udbff\udfff")").empty());
}

CAF_TEST(numbers that no double holds are refused) {
  for (const auto* text :
       {"1e309", "-1e309", "1.8e308", "1e999999999999", "123e-400000000000", "1e-400", "[1,2,1e5000]"})
    CAF_CHECK(!refused(text).empty());
  CAF_CHECK(!refused(std::string(400, '9')).empty());
  CAF_CHECK_EQUAL(round_trip("0." + std::string(2000, '0') + "1e2000"), "0.1");
  CAF_CHECK_EQUAL(round_trip("1." + std::string(5000, '0')), "1.0");
}

CAF_TEST(zero is zero whatever its exponent says) {
  for (const auto* text : {"0e999", "-0e999", "0.000e99999999999", "0E-999", "0e+400"}) {
    json::document doc;
    CAF_CHECK(!json::parse(text, doc));
    CAF_CHECK(doc.IsNumber() && doc.GetDouble() == 0.0);
  }
}

CAF_TEST(a byte order mark is named) {
  json::document doc;
  const auto error = json::parse("\xEF\xBB\xBF{}", doc);
  CAF_REQUIRE(error);
  CAF_CHECK(error->detail.find("byte order mark") != std::string::npos);
}

CAF_TEST(nesting is bounded and does not use the stack) {
  CAF_CHECK(refused(nested(32, "[", "]")).empty());
  CAF_CHECK(refused(nested(33, "[", "]")).find("32") != std::string::npos);
  CAF_CHECK(refused(nested(3, "[", "]"), 3).empty());
  CAF_CHECK(!refused(nested(4, "[", "]"), 3).empty());
  CAF_CHECK(!refused("[[],[[]]]", 2).empty());
  CAF_CHECK(refused("[[],[],{}]", 2).empty());
  CAF_CHECK(!refused(std::string(5'000'000, '[')).empty());
  CAF_CHECK(!refused(nested(100'000, "{\"a\":", "}")).empty());
}

CAF_TEST(an object has each key once) {
  for (const auto* text :
       {R"({"a":1,"a":2})", R"({"":1,"":1})", R"({"a":{"b":1,"b":1}})", R"([{"x":[],"x":[]}])",
        R"({"\u0061":1,"a":2})", R"({"a":{"b":1},"a":1})", R"({"a":[{"a":1}],"b":{},"a":1})"})
    CAF_CHECK(refused(text).find("twice") != std::string::npos);
  for (const auto* text :
       {R"({"a":{"a":{"a":1}},"b":{"a":1}})", R"([{"a":1},{"a":1}])", R"({"a":1,"A":2,"a ":3})"})
    CAF_CHECK(refused(text).empty());
  for (size_t keys : {1, 15, 16, 17, 18, 40, 1000}) {
    CAF_CHECK(refused(object_of(keys) + "\"z\":{}}").empty());
    CAF_CHECK(!refused(object_of(keys) + "\"k0\":{}}").empty());
    CAF_CHECK(!refused(object_of(keys) + "\"k" + std::to_string(keys - 1) + "\":{}}").empty());
    CAF_CHECK(!refused(object_of(keys) + "\"inner\":{\"x\":1,\"x\":1}}").empty());
    CAF_CHECK(!refused("{\"inner\":" + object_of(keys) + "\"z\":1},\"inner\":1}").empty());
  }
  json::document d;
  auto error = json::parse(R"({"first":1,"first":2})", d);
  CAF_REQUIRE(error);
  CAF_CHECK_EQUAL(error->offset, 18u);
  CAF_CHECK(error->detail.find("\"first\"") != std::string::npos);
}

CAF_TEST(many keys take far less than quadratic time) {
  auto text = object_of(200'000) + "\"k7\":1}";
  auto began = std::chrono::steady_clock::now();
  CAF_CHECK(!refused(text).empty());
  CAF_CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{5}); // quadratic: minutes
}

CAF_TEST(a document can be read into again) {
  json::document d;
  CAF_CHECK(!json::parse("{\"a\":1}", d));
  CAF_CHECK(json::parse("{\"a\":", d));
  CAF_CHECK(d.IsNull());
  CAF_CHECK(!json::parse("[2]", d));
  CAF_CHECK_EQUAL(json::to_string(d), "[2]");
}

CAF_TEST(quoting keeps every byte of the text) {
  std::string text;
  for (char c = 0; c < 127; ++c)
    text.push_back(c);
  text += "ü\U0001F600";
  std::string quoted;
  json::append_quoted(quoted, text);
  json::document d;
  CAF_REQUIRE(!json::parse(quoted, d));
  CAF_CHECK_EQUAL(std::string{json::view(d)}, text);
  std::string simple = "x:";
  json::append_quoted(simple, "a\"b\\c\n\x01");
  CAF_CHECK_EQUAL(simple, "x:\"a\\\"b\\\\c\\n\\u0001\"");
}

CAF_TEST(UTF - 8 check) {
  for (const auto* good : {"", "plain", "a long text without any letter beyond ASCII", "ü", "€", "\U0001F600",
                           "12345678ü2345678", "1234567\xF4\x8F\xBF\xBF", "\xED\x9F\xBF", "\xC2\x80"})
    CAF_CHECK(json::is_utf8(good));
  for (const auto* bad :
       {"\x80", "\xC0\x80", "\xC2", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF8\x88\x80\x80\x80", "12345678\xFF", "1234567\xC3", "\xE2\x82"})
    CAF_CHECK(!json::is_utf8(bad));
}

CAF_TEST(clipped text ends between two characters) {
  CAF_CHECK_EQUAL(json::clipped("abc", 3), "abc");
  CAF_CHECK_EQUAL(json::clipped("abcd", 3), "abc…");
  CAF_CHECK_EQUAL(json::clipped("aü€x", 3), "aü…");
  CAF_CHECK_EQUAL(json::clipped("aü€x", 4), "aü…");
  CAF_CHECK_EQUAL(json::clipped("aü€x", 2), "a…");
}

CAF_TEST(a misused value throws instead of ending the process) {
  json::document d;
  CAF_REQUIRE(!json::parse("1", d));
  bool thrown = false;
  try {
    d.GetString();
  } catch (const std::logic_error&) {
    thrown = true;
  }
  CAF_CHECK(thrown);
}

CAF_TEST(changed documents are refused or read but never do harm) {
  auto seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  std::mt19937 random{seed};
  const std::string base = R"({"user":"u-123","placements":["home","cart"],"context":{"a":1.5e3,"b":-2},)"
                           R"("x":[true,false,null,{"y":"\u00fc\ud83d\ude00ü€"}]})";
  const std::string bytes{"\0\"\\{}[]:,0123456789eE+-.utrfn\x80\xC3\xED\xF0\xFF ", 35};
  for (int i = 0; i < 50'000; ++i) {
    auto text = base;
    for (auto changes = random() % 4 + 1; changes > 0; --changes) {
      auto at = random() % text.size();
      if (random() % 3 == 0)
        text.erase(at, random() % 8 + 1);
      else if (random() % 2 == 0)
        text.insert(at, 1, bytes[random() % bytes.size()]);
      else
        text[at] = bytes[random() % bytes.size()];
      if (text.empty())
        text = "1";
    }
    json::document d;
    if (json::parse(text, d))
      continue;
    json::document again;
    auto out = json::to_string(d);
    CAF_REQUIRE(json::is_utf8(out));
    CAF_REQUIRE(!json::parse(out, again));
    CAF_REQUIRE_EQUAL(json::to_string(again), out);
  }
}
