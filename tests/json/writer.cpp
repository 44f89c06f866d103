#define CAF_SUITE json.writer

#include "json/writer.hpp"

#include <caf/test/unit_test.hpp>

#include <functional>
#include <limits>
#include <random>

using namespace beckon;

namespace {

std::string written(const std::function<void(json::writer&)>& how) {
  std::string out;
  json::writer w{out};
  how(w);
  return out;
}

/// Any text of UTF-8, many of its characters such as need an escape.
std::string some_text(std::mt19937& random) {
  const std::string_view parts[] = {"a", "\"", "\\",         "\n", "\t",   "\r",
                                    "ü", "€",  "\U0001F600", "/",  "\x7f", "\x01"};
  std::string out;
  for (auto left = random() % 6; left > 0; --left)
    out += parts[random() % std::size(parts)];
  if (random() % 4 == 0)
    out.push_back('\0');
  return out;
}

/// Writes a random value and says, by RapidJSON's own calls, what it is.
json::value some_value(std::mt19937& random, json::writer& w, json::document& doc, int depth) {
  auto& memory = doc.GetAllocator();
  auto text_of = [&](const std::string& s) {
    return json::value{s.data(), static_cast<rapidjson::SizeType>(s.size()), memory};
  };
  switch (random() % (depth > 0 ? 8 : 6)) {
  case 0:
    w.null();
    return {};
  case 1: {
    bool b = random() % 2 == 0;
    w.boolean(b);
    return json::value{b};
  }
  case 2: {
    auto n = static_cast<int64_t>((uint64_t{random()} << 32 | random()) >> random() % 64);
    w.number(n);
    return json::value{n};
  }
  case 3: {
    auto d = std::ldexp(static_cast<double>(random()), static_cast<int>(random() % 200) - 100);
    w.number(d);
    return json::value{d};
  }
  case 4: {
    w.raw(R"({"a":[1]})");
    json::value list{rapidjson::kArrayType};
    list.PushBack(1, memory);
    json::value object{rapidjson::kObjectType};
    object.AddMember("a", list, memory);
    return object;
  }
  case 5: {
    auto text = some_text(random);
    w.string(text);
    return text_of(text);
  }
  case 6: {
    json::value list{rapidjson::kArrayType};
    w.begin_array();
    for (auto left = random() % 4; left > 0; --left)
      list.PushBack(some_value(random, w, doc, depth - 1), memory);
    w.end_array();
    return list;
  }
  default: {
    json::value object{rapidjson::kObjectType};
    w.begin_object();
    for (auto left = random() % 4; left > 0; --left) {
      auto name = std::to_string(left) + some_text(random);
      w.key(name);
      object.AddMember(text_of(name), some_value(random, w, doc, depth - 1), memory);
    }
    w.end_object();
    return object;
  }
  }
}

} // namespace

CAF_TEST(each call writes what it says) {
  struct row {
    std::function<void(json::writer&)> how;
    std::string text;
  };
  std::string name = "a\"b";
  std::vector<row> rows = {
      {[](auto& w) { w.begin_object().end_object(); }, "{}"},
      {[](auto& w) { w.begin_array().end_array(); }, "[]"},
      {[](auto& w) { w.begin_array().number(1).number(2).null().end_array(); }, "[1,2,null]"},
      {[](auto& w) { w.begin_object().key("a").number(1).key("b").boolean(true).end_object(); },
       R"({"a":1,"b":true})"},
      {[&](auto& w) { w.begin_object().key(name).null().key(std::string_view{name}).null().end_object(); },
       R"({"a\"b":null,"a\"b":null})"},
      {[](auto& w) { w.begin_object().member("t", "x").member("b", false).member("d", 0.5).end_object(); },
       R"({"t":"x","b":false,"d":0.5})"},
      {[](auto& w) { w.begin_array().begin_array().end_array().begin_object().end_object().end_array(); },
       "[[],{}]"},
      {[](auto& w) { w.number(std::numeric_limits<int64_t>::min()); }, "-9223372036854775808"},
      {[](auto& w) { w.number(std::numeric_limits<uint64_t>::max()); }, "18446744073709551615"},
      {[](auto& w) { w.number(100.0); }, "100.0"},
      {[](auto& w) { w.number(uint8_t{7}); }, "7"},
      {[](auto& w) { w.string("\"\\\n\r\t\x01ü"); }, R"("\"\\\n\r\t\u0001ü")"},
      {[](auto& w) { w.any_text("ü\n"); }, R"("ü\n")"},
      {[](auto& w) {
         w.any_text("\xff"
                    "a");
       },
       R"("?a")"},
      {[](auto& w) { w.begin_array().time(951782400007).time_or_null(0).end_array(); },
       R"(["2000-02-29T00:00:00.007Z",null])"},
      {[](auto& w) { w.begin_array().raw("[1]").raw("2").end_array(); }, "[[1],2]"},
      {[](auto& w) { w.reopen_object(R"({"a":1})").member("b", 2).end_object(); }, R"({"a":1,"b":2})"},
      {[](auto& w) { w.begin_array().space("\n ").number(1).space("\n ").number(2).end_array(); },
       "[\n 1,\n 2]"},
  };
  for (const auto& r : rows)
    CAF_CHECK_EQUAL(written(r.how), r.text);
}

CAF_TEST(a writer goes on where another stopped) {
  std::string out;
  json::writer{out}.begin_array().number(1);
  json::writer{out, true}.number(2).end_array();
  CAF_CHECK_EQUAL(out, "[1,2]");
}

CAF_TEST(the string is whole when the outermost value is) {
  std::string out = "before ";
  json::writer w{out};
  w.begin_array().begin_object().end_object().end_array();
  CAF_CHECK_EQUAL(out, "before [{}]");
}

CAF_TEST(texts of every length stand beside one another) {
  for (size_t length = 0; length < 1200; ++length) {
    std::string plain(length, 'x');
    std::string out;
    json::writer w{out};
    w.begin_object().member("k", plain).member(plain, 7).key("t").time(0).member("n", UINT64_MAX).key("r");
    w.raw('"' + plain + '"').key("e").string(plain + '"').end_object();
    CAF_REQUIRE_EQUAL(out, "{\"k\":\"" + plain + "\",\"" + plain + "\":7,\"t\":\"1970-01-01T00:00:00.000Z\","
                               + "\"n\":18446744073709551615,\"r\":\"" + plain + "\",\"e\":\"" + plain
                               + "\\\"\"}");
  }
}

CAF_TEST(everything that is written reads back as what it was) {
  std::mt19937 random{1};
  for (int i = 0; i < 5000; ++i) {
    json::document expected;
    std::string out;
    json::writer w{out};
    some_value(random, w, expected, 4).Swap(expected);
    json::document read;
    auto error = json::parse(out, read);
    CAF_CHECK(!error);
    CAF_CHECK(read == expected);
    if (error || read != expected)
      CAF_FAIL("written: " << out);
  }
}
