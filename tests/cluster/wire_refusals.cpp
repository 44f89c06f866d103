#define CAF_SUITE cluster.wire_refusals

#include "tests/cluster/wire_samples.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

using namespace beckon;
using namespace beckon::cluster;
using namespace beckon::cluster::samples;

namespace {

constexpr size_t kinds = std::variant_size_v<frame>;
constexpr size_t count_place = 34; // of the number of frames, in the head

std::string refusal(std::string_view bytes, const wire_bounds& bounds = {}) {
  std::string fault;
  if (decode_batch(bytes, bounds, fault))
    return "none";
  return fault.empty() ? "refused without a word" : fault;
}

std::string refusal(frame f) {
  return refusal(encode(batch_of(std::move(f))));
}

std::string with_count(std::string bytes, uint32_t count) {
  for (size_t i = 0; i < 4; ++i)
    bytes[count_place + i] = static_cast<char>(count >> (8 * i));
  return bytes;
}

decide_ask_frame good_ask() {
  decide_ask_frame f;
  f.request.user = "u";
  f.request.placements = {"p"};
  return f;
}

/// The refusal of an ask with one thing changed.
std::string ask_refusal(const std::function<void(decide_ask_frame&)>& change) {
  auto f = good_ask();
  change(f);
  return refusal(f);
}

storage::event_row good_event() {
  storage::event_row e;
  e.id = "e";
  e.user = "u";
  e.popup = "p";
  return e;
}

std::string event_refusal(const std::function<void(storage::event_row&)>& change) {
  events_ask_frame f;
  f.events = {good_event(), good_event()};
  change(f.events.back());
  return refusal(f);
}

std::string decide_fault(const std::string& why) {
  return "frame 1 of 1 (decide ask): " + why;
}

std::string events_fault(const std::string& why) {
  return "frame 1 of 1 (events ask): " + why;
}

batch sample_batch(uint64_t seed) {
  frame_maker maker{seed};
  batch b;
  b.head = maker.head();
  for (size_t kind = 0; kind < kinds; ++kind)
    b.frames.push_back(maker.make(kind));
  return b;
}

/// What was decoded can be sent on: nothing was taken that no writer writes.
std::string flip_fault(const std::string& bytes) {
  std::string fault;
  auto got = decode_batch(bytes, {}, fault);
  if (!got)
    return fault.empty() ? "refused without a word" : "";
  auto again = decode_batch(encode(*got), {}, fault);
  return again && describe(*again) == describe(*got) ? "" : "decoded to something else:\n" + describe(*got);
}

} // namespace

CAF_TEST(a batch that ends too early is refused) {
  uint64_t seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  for (uint64_t i = 0; i < 10; ++i) {
    auto bytes = encode(sample_batch(seed + i));
    for (size_t n = 0; n < bytes.size(); ++n)
      if (auto why = refusal(bytes.substr(0, n)); why == "none" || why == "refused without a word")
        CAF_FAIL("seed " << seed + i << ", " << n << " of " << bytes.size() << " bytes: " << why);
    CAF_CHECK_EQUAL(refusal(bytes + "ab"), "2 bytes stand behind the last of 10 frames");
  }
}

CAF_TEST(a flipped bit is refused or gives another batch within the bounds) {
  uint64_t seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  for (uint64_t i = 0; i < 4; ++i) {
    auto bytes = encode(sample_batch(seed + i));
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      auto flipped = bytes;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      if (auto fault = flip_fault(flipped); !fault.empty())
        CAF_FAIL("seed " << seed + i << ", bit " << bit << ": " << fault);
    }
  }
}

CAF_TEST(overwritten and shuffled parts are refused or give another batch within the bounds) {
  uint64_t seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  for (uint64_t i = 0; i < 20'000; ++i) {
    frame_maker maker{seed + i};
    auto bytes = encode(sample_batch(seed + i / 100));
    for (auto n = 1 + maker.pick(4); n > 0; --n) {
      auto at = 2 + maker.pick(bytes.size() - 2);
      auto from = maker.pick(bytes.size());
      auto size = std::min({1 + maker.pick(16), bytes.size() - at, bytes.size() - from});
      bytes.replace(at, size, bytes.substr(from, size));
    }
    if (auto fault = flip_fault(bytes); !fault.empty())
      CAF_FAIL("seed " << seed + i << ": " << fault);
  }
}

CAF_TEST(another layout is refused by its name) {
  auto bytes = encode(sample_batch(1));
  bytes[0] = 9;
  CAF_CHECK_EQUAL(
      refusal(bytes),
      "the peer's messages have layout 9, this node reads layout 2: stop all nodes of the cluster, then "
      "start them with one version of Beckon");
  CAF_CHECK_EQUAL(refusal(bytes.substr(0, 1)), refusal(bytes));
  bytes[0] = layout_version;
  bytes[1] = 1;
  CAF_CHECK_EQUAL(refusal(bytes), "the bytes are no batch");
  CAF_CHECK_EQUAL(refusal(""), "a batch without a byte");
}

CAF_TEST(sizes and counts beyond the bounds are refused) {
  auto bytes = encode(sample_batch(2));
  auto shorter = sample_batch(2);
  shorter.frames.pop_back();
  wire_bounds bounds;
  bounds.batch_bytes_max = bytes.size();
  bounds.frames_max = kinds;
  CAF_CHECK_EQUAL(refusal(bytes, bounds), "none");
  --bounds.batch_bytes_max;
  auto size = std::to_string(bytes.size());
  CAF_CHECK_EQUAL(refusal(bytes, bounds),
                  "a batch of " + size + " bytes, more than " + std::to_string(bytes.size() - 1));
  ++bounds.batch_bytes_max;
  --bounds.frames_max;
  CAF_CHECK_EQUAL(refusal(bytes, bounds), "a batch of 10 frames, more than 9");
  CAF_CHECK_EQUAL(refusal(with_count(bytes, UINT32_MAX)), "a batch of 4294967295 frames, more than 8192");
  CAF_CHECK_EQUAL(refusal(with_count(bytes, 11)),
                  "frame 11 of 11: it ends too early, or has a number or a length that is none");
  CAF_CHECK_EQUAL(refusal(with_count(bytes, 9)), std::to_string(bytes.size() - encode(shorter).size())
                                                     + " bytes stand behind the last of 9 frames");
}

CAF_TEST(counts that the bytes cannot hold are refused before anything is made for them) {
  constexpr uint8_t decide = 1 | ask_bit;
  constexpr uint8_t user_answer = 4;
  constexpr uint8_t events = 5 | ask_bit;
  const std::string huge = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
  const std::string ask_head = std::string{"\x00\x00\x00\x00\x01u", 6};
  const std::string cut = ": it ends too early, or has a number or a length that is none";
  auto with = [&](uint8_t kind, const std::string& body) {
    return refusal(with_frame(encode(batch{}), foreign_frame(kind, body)));
  };
  CAF_CHECK_EQUAL(with(decide, ask_head + huge), "frame 1 of 1 (decide ask)" + cut); // placements
  CAF_CHECK_EQUAL(with(decide, ask_head + "\x01\x01p" + huge), "frame 1 of 1 (decide ask)" + cut);
  CAF_CHECK_EQUAL(with(decide, ask_head + "\x01\x01p\x01\x01n\x05" + huge),
                  "frame 1 of 1 (decide ask)" + cut);
  CAF_CHECK_EQUAL(with(decide, ask_head + "\x01" + huge), "frame 1 of 1 (decide ask)" + cut);
  CAF_CHECK_EQUAL(with(events, std::string{"\x00\x00", 2} + huge), "frame 1 of 1 (events ask)" + cut);
  CAF_CHECK_EQUAL(with(user_answer, std::string{"\x00\x00\x00\x00\x00\x00\x00", 7} + huge),
                  "frame 1 of 1 (user answer)" + cut);
}

CAF_TEST(the length of a frame is held to what stands in it) {
  constexpr uint8_t look = 9;
  auto with = [](const std::string& frame) { return refusal(with_frame(encode(batch{}), frame)); };
  CAF_CHECK_EQUAL(with(foreign_frame(look, "")), "none");
  CAF_CHECK_EQUAL(with(foreign_frame(look, "x")), "frame 1 of 1 (look hint): bytes stand behind it");
  auto too_long = foreign_frame(look, "x");
  too_long[1] = 2;
  CAF_CHECK_EQUAL(with(too_long),
                  "frame 1 of 1 (look hint): it ends too early, or has a number or a length that is none");
  CAF_CHECK_EQUAL(with(std::string(1, '\x09')),
                  "frame 1 of 1 (look hint): it ends too early, or has a number or a length that is none");
}

CAF_TEST(decide asks are held to what the HTTP front lets through) {
  using ask = decide_ask_frame;
  CAF_CHECK_EQUAL(ask_refusal([](ask&) {}), "none");
  CAF_CHECK_EQUAL(ask_refusal([](ask& f) { f.request.user.clear(); }),
                  decide_fault("the user is no identifier"));
  CAF_CHECK_EQUAL(ask_refusal([](ask& f) { f.request.user = "a\nb"; }),
                  decide_fault("the user is no identifier"));
  CAF_CHECK_EQUAL(ask_refusal([](ask& f) { f.request.user = std::string(129, 'u'); }),
                  decide_fault("the user is no identifier"));
  CAF_CHECK_EQUAL(ask_refusal([](ask& f) { f.request.user = "\xc3"; }),
                  decide_fault("the user is no identifier"));
  CAF_CHECK_EQUAL(ask_refusal([](ask& f) { f.request.placements.clear(); }),
                  decide_fault("there are no placements, or too many"));
  CAF_CHECK_EQUAL(ask_refusal([](ask& f) { f.request.placements.assign(21, "p"); }),
                  decide_fault("there are no placements, or too many"));
  CAF_CHECK_EQUAL(ask_refusal([](ask& f) {
                    f.request.placements = {"p", "q", "p"};
                  }),
                  decide_fault("a placement stands there twice"));
  CAF_CHECK_EQUAL(ask_refusal([](ask& f) { f.request.placements = {"\x01"}; }),
                  decide_fault("a placement is no identifier"));
  CAF_CHECK_EQUAL(ask_refusal([](ask& f) { f.request.trigger_event = "\x7f"; }),
                  decide_fault("the trigger is no identifier"));
  CAF_CHECK_EQUAL(ask_refusal([](ask& f) { f.request_id = "\xff"; }),
                  decide_fault("the request id is no identifier"));
}

CAF_TEST(attributes are held to what the HTTP front lets through) {
  using ask = decide_ask_frame;
  using list = std::vector<decision::attribute_scalar>;
  auto with = [](std::string name, decision::attribute_value v) {
    return ask_refusal([&](ask& f) { f.request.attrs.set(std::move(name), std::move(v)); });
  };
  CAF_CHECK_EQUAL(with("a", list(100, true)), "none");
  CAF_CHECK_EQUAL(with("a", list{}), "none");
  CAF_CHECK_EQUAL(with("a", std::string{}), "none");
  CAF_CHECK_EQUAL(with("a", -0.0), "none");
  CAF_CHECK_EQUAL(with("a", INT64_MIN), "none");
  CAF_CHECK_EQUAL(with("", true), decide_fault("an attribute's name is no identifier"));
  CAF_CHECK_EQUAL(with("a", list(101, true)), decide_fault("an attribute's list is too long"));
  CAF_CHECK_EQUAL(with("a", std::string{"\xff"}), decide_fault("an attribute's text is not UTF-8"));
  CAF_CHECK_EQUAL(with("a", list{std::string{"\xff"}}), decide_fault("an attribute's text is not UTF-8"));
  for (auto d : {HUGE_VAL, -HUGE_VAL, std::numeric_limits<double>::quiet_NaN()})
    CAF_CHECK_EQUAL(with("a", d), decide_fault("an attribute is not a finite number"));
  // {"a":"…"} has eight bytes more than its text.
  CAF_CHECK_EQUAL(with("a", std::string(decision::attributes_bytes_max - 8, 'x')), "none");
  CAF_CHECK_EQUAL(with("a", std::string(decision::attributes_bytes_max - 7, 'x')),
                  decide_fault("the attributes are too large"));
  CAF_CHECK_EQUAL(with("a", std::string(4000, '\x01')), decide_fault("the attributes are too large"));
  auto many = [](size_t count) {
    return ask_refusal([&](ask& f) {
      for (size_t i = 0; i < count; ++i)
        f.request.context.set("n" + std::to_string(i), true);
    });
  };
  CAF_CHECK_EQUAL(many(decision::attributes_max), "none");
  CAF_CHECK_EQUAL(many(decision::attributes_max + 1), decide_fault("there are too many attributes"));
  auto f = good_ask();
  f.request.attrs.set("a", true);
  f.request.attrs.set("b", true);
  auto bytes = encode(batch_of(f));
  bytes[bytes.find('b')] = 'a'; // twice the same name
  CAF_CHECK_EQUAL(refusal(bytes), decide_fault("attributes are not sorted by name"));
}

CAF_TEST(events are held to what the HTTP front lets through) {
  using event = storage::event_row;
  using decision::event_type;
  const auto subject = events_fault("an event has no popup or name, or a name that it may not have");
  const auto properties = events_fault("an event's properties are no JSON object, or too large");
  CAF_CHECK_EQUAL(event_refusal([](event&) {}), "none");
  CAF_CHECK_EQUAL(event_refusal([](event& e) { e.id.clear(); }),
                  events_fault("an event's id is no identifier"));
  CAF_CHECK_EQUAL(event_refusal([](event& e) { e.user = "\n"; }),
                  events_fault("an event's user is no identifier"));
  CAF_CHECK_EQUAL(event_refusal([](event& e) { e.popup = "\n"; }),
                  events_fault("an event's popup is no identifier"));
  CAF_CHECK_EQUAL(event_refusal([](event& e) { e.popup.clear(); }), subject);
  CAF_CHECK_EQUAL(event_refusal([](event& e) { e.name = "n"; }), subject);
  CAF_CHECK_EQUAL(event_refusal([](event& e) { e.type = event_type::custom; }), subject);
  CAF_CHECK_EQUAL(event_refusal([](event& e) {
                    e.type = event_type::custom;
                    e.name = "n";
                    e.popup.clear();
                  }),
                  "none");
  CAF_CHECK_EQUAL(event_refusal([](event& e) { e.at_ms = INT64_MAX; }), events_fault("a time is too far"));
  CAF_CHECK_EQUAL(event_refusal([](event& e) { e.received_ms = INT64_MIN; }),
                  events_fault("a time is too far"));
  for (const auto* text :
       {"[]", "{", R"({"a":"\ud800"})", "{}{}", R"({"a":1,"a":2})", "{\n}", "{\"a\":\"\xff\"}"})
    CAF_CHECK_EQUAL(event_refusal([&](event& e) { e.properties = text; }), properties);
  auto large = [](size_t bytes) { return R"({"a":")" + std::string(bytes - 8, 'x') + R"("})"; };
  CAF_CHECK_EQUAL(event_refusal([&](event& e) { e.properties = large(event_properties_bytes_max); }), "none");
  CAF_CHECK_EQUAL(event_refusal([&](event& e) { e.properties = large(event_properties_bytes_max + 1); }),
                  properties);
}

CAF_TEST(answers and user asks are held to what an owner would say) {
  auto answer_fault = [](const std::string& why) { return "frame 1 of 1 (decide answer): " + why; };
  for (const auto* body : {"", "{", "[]", "{\"\xff\"}"})
    CAF_CHECK_EQUAL(refusal(decide_answer_frame{1, ask_result::done, {}, body}),
                    answer_fault("the answer is no JSON object"));
  CAF_CHECK_EQUAL(refusal(decide_answer_frame{1, ask_result::overloaded, {}, "left out"}), "none");
  CAF_CHECK_EQUAL(refusal(decide_answer_frame{1, ask_result::moved, {256, 1, 1}, {}}),
                  answer_fault("there is no such shard"));
  CAF_CHECK_EQUAL(refusal(user_ask_frame{1, 1, 1, user_verb::replace_profile, "u", "1"}),
                  "frame 1 of 1 (user ask): the profile is no JSON object");
  user_answer_frame user;
  CAF_CHECK_EQUAL(refusal(user), "none");
  user.state = "x";
  CAF_CHECK_EQUAL(refusal(user), "frame 1 of 1 (user answer): the user's state cannot be read");
  user.state.clear();
  for (const auto* profile : {"x", "{", "{x", "x}", "{\"\xff\"}"}) {
    user.profile = profile;
    CAF_CHECK_EQUAL(refusal(user), "frame 1 of 1 (user answer): the profile is no JSON object");
  }
  user.profile.clear();
  user.errors.resize(json::field_errors_max + 1);
  CAF_CHECK_EQUAL(refusal(user), "frame 1 of 1 (user answer): there are too many errors");
  user.errors.assign(1, {"/a", "\xff"});
  CAF_CHECK_EQUAL(refusal(user), "frame 1 of 1 (user answer): the text of an error is not UTF-8");
  CAF_CHECK_EQUAL(refusal(events_answer_frame{1, events_result::done, {}, 0, "\xff"}),
                  "frame 1 of 1 (events answer): the text of an answer is not UTF-8");
}
