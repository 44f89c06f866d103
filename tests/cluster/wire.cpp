#define CAF_SUITE cluster.wire

#include "cluster/wire.hpp"

#include "tests/cluster/wire_samples.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <random>

using namespace beckon;
using namespace beckon::cluster;
using namespace beckon::cluster::samples;

namespace {

constexpr size_t kinds = std::variant_size_v<frame>;

std::string from_hex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16));
  return out;
}

std::string to_hex(std::string_view bytes) {
  std::string out;
  for (char c : bytes) {
    constexpr char digits[] = "0123456789abcdef";
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

/// The fault with which the bytes are refused; "none" when they are not.
std::string refusal(std::string_view bytes, const wire_bounds& bounds = {}) {
  std::string fault;
  auto decoded = decode_batch(bytes, bounds, fault);
  if (decoded)
    return "none";
  return fault.empty() ? "refused without a word" : fault;
}

/// One frame of every kind, each with all that it can hold.
batch full_batch() {
  batch b;
  b.head = {3, 4, 1000, 999};
  decide_ask_frame ask;
  ask.id = 300;
  ask.epoch = 7;
  ask.deadline_ms = 1500;
  ask.request.user = "ann";
  ask.request.placements = {"home", "cart"};
  ask.request.context.set("page", std::string{"/a"});
  ask.request.context.set("hits", int64_t{-2});
  ask.request.attrs.set("tags", std::vector<decision::attribute_scalar>{true, false, std::string{"x"}, 0.5});
  ask.request.trigger_event = "scroll";
  ask.request.explain = true;
  ask.request_id = "r1";
  b.frames.emplace_back(ask);
  b.frames.emplace_back(decide_answer_frame{300, ask_result::done, {}, R"({"x":1})"});
  b.frames.emplace_back(decide_answer_frame{301, ask_result::moved, {255, 9, 8}, {}});
  b.frames.emplace_back(user_ask_frame{302, 7, 900, user_verb::patch_profile, "bob", R"({"n":1})"});
  decision::user_state state;
  state.version = 2;
  state.touch("p").shows = 1;
  b.frames.emplace_back(user_answer_frame{302,
                                          ask_result::done,
                                          {1, 2, 3},
                                          true,
                                          false,
                                          {{"/a", "is required", json::fault::missing}},
                                          decision::encode(state),
                                          "{}"});
  storage::event_row event{
      "e1",        decision::event_type::click, "", "ann", "p", "v", "d", 1700000000000, 1700000000001,
      R"({"k":2})"};
  b.frames.emplace_back(events_ask_frame{303, 5000, {event}});
  b.frames.emplace_back(events_answer_frame{303, events_result::not_now, {2, 3, 4}, 5, "full"});
  b.frames.emplace_back(catalog_hint_frame{77});
  b.frames.emplace_back(route_hint_frame{{17, 5, 6}});
  b.frames.emplace_back(look_hint_frame{});
  b.frames.emplace_back(unsupported_frame{304});
  return b;
}

batch random_batch(frame_maker& maker) {
  batch b;
  b.head = maker.head();
  for (auto n = maker.pick(12); n > 0; --n)
    b.frames.push_back(maker.make(maker.pick(kinds)));
  return b;
}

} // namespace

CAF_TEST(every kind of frame comes back as it was) {
  uint64_t seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  for (uint64_t i = 0; i < 4'000; ++i) {
    frame_maker maker{seed + i};
    batch sent;
    sent.head = maker.head();
    sent.frames.push_back(maker.make(i % kinds));
    std::string fault;
    auto got = decode_batch(encode(sent), {}, fault);
    if (!got || describe(*got) != describe(sent))
      CAF_FAIL("seed " << seed + i << ": " << fault << "\n" << describe(sent));
  }
}

CAF_TEST(frames come back in their order) {
  uint64_t seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  for (uint64_t i = 0; i < 1'000; ++i) {
    frame_maker maker{seed + i};
    auto sent = random_batch(maker);
    std::string fault;
    auto got = decode_batch(encode(sent), {}, fault);
    if (!got || describe(*got) != describe(sent))
      CAF_FAIL("seed " << seed + i << ": " << fault);
  }
}

CAF_TEST(the bytes never change while the version is the same) {
  const std::string known =
      "020203000000000000000400000000000000e803000000000000e7030000000000000b0000008147000000ac0207dc0b"
      "0103616e6e0204686f6d6504636172740204686974730203047061676504022f61010474616773050401000401780300"
      "0000000000e03f067363726f6c6c02723100020e000000ac0200000000077b2278223a317d0207000000ad0203ff0109"
      "088312000000ae020784070203626f62077b226e223a317d042a000000ae0200010203010001022f610b697320726571"
      "7569726564010d01020000010170010000000000027b7d8528000000af028827010180a0abfef96282a0abfef9620265"
      "310003616e6e017001760164077b226b223a327d060c000000af0201020304050466756c6c07010000004d0803000000"
      "11050609000000000a02000000b002";
  CAF_CHECK_EQUAL(to_hex(encode(full_batch())), known);
  std::string fault;
  auto got = decode_batch(from_hex(known), {}, fault);
  CAF_REQUIRE_EQUAL(fault, "");
  CAF_REQUIRE(got);
  CAF_CHECK_EQUAL(describe(*got), describe(full_batch()));
  hello h;
  h.cluster = "shop";
  h.name = "node-1";
  h.from = 5;
  h.to = 300;
  CAF_CHECK_EQUAL(to_hex(beckon::cluster::encode(h)), "02010473686f70066e6f64652d3105ac02020201");
}

CAF_TEST(a batch without frames acknowledges) {
  batch_writer writer;
  CAF_CHECK(writer.empty());
  auto size = writer.size_bytes();
  auto bytes = writer.finish({1, 2, 3, 4});
  CAF_CHECK_EQUAL(bytes.size(), size);
  std::string fault;
  auto got = decode_batch(bytes, {}, fault);
  CAF_REQUIRE(got);
  CAF_CHECK(got->frames.empty());
  CAF_CHECK(got->head.from == 1 && got->head.to == 2 && got->head.sequence == 3
            && got->head.acknowledged == 4);
}

CAF_TEST(a writer is empty after it has given its bytes) {
  batch_writer writer;
  CAF_CHECK(writer.add(catalog_hint_frame{1}));
  CAF_CHECK(writer.add(frame{look_hint_frame{}}));
  CAF_CHECK_EQUAL(writer.frames(), 2u);
  auto size = writer.size_bytes();
  auto first = writer.finish({});
  CAF_CHECK_EQUAL(first.size(), size);
  CAF_CHECK(writer.empty());
  CAF_CHECK(writer.add(catalog_hint_frame{1}));
  CAF_CHECK(writer.add(look_hint_frame{}));
  CAF_CHECK(writer.finish({}) == first);
}

CAF_TEST(a writer keeps to its bounds) {
  wire_bounds bounds;
  bounds.frames_max = 3;
  bounds.batch_bytes_max = 100;
  batch_writer writer{bounds};
  events_answer_frame large;
  large.detail = std::string(200, 'x');
  CAF_CHECK(!writer.add(large));
  CAF_CHECK_EQUAL(writer.size_bytes(), batch_writer{}.size_bytes());
  for (int i = 0; i < 3; ++i)
    CAF_CHECK(writer.add(catalog_hint_frame{9}));
  CAF_CHECK(!writer.add(look_hint_frame{}));
  CAF_CHECK_EQUAL(writer.frames(), 3u);
  auto bytes = writer.finish({});
  CAF_CHECK_EQUAL(refusal(bytes, bounds), "none");
  constexpr size_t other_members = 12; // kind, length, id, result, three of the route, duplicates, length
  large.detail.resize(100 - writer.size_bytes() - other_members + 1);
  CAF_CHECK(!writer.add(large));
  large.detail.pop_back();
  CAF_CHECK(writer.add(large));
  CAF_CHECK_EQUAL(writer.size_bytes(), 100u);
  CAF_CHECK_EQUAL(refusal(writer.finish({}), bounds), "none");
}

CAF_TEST(hellos come back as they were and nothing else is one) {
  hello h;
  h.cluster = "shöp";
  h.name = "node 1";
  h.from = UINT64_MAX;
  auto bytes = beckon::cluster::encode(h);
  std::string fault;
  auto got = decode_hello(bytes, fault);
  CAF_REQUIRE(got);
  CAF_CHECK(got->cluster == h.cluster && got->name == h.name && got->from == h.from && got->to == 0);
  CAF_CHECK_EQUAL(common_protocol(got->speaks, protocol_range{}), protocol_range{}.newest);
  for (size_t n = 0; n < bytes.size(); ++n)
    CAF_CHECK(!decode_hello(std::string_view{bytes}.substr(0, n), fault) && !fault.empty());
  CAF_CHECK(!decode_hello(encode(full_batch()), fault));
  CAF_CHECK_EQUAL(fault, "the bytes are no hello");
  h.name = "\xff";
  CAF_CHECK(!decode_hello(beckon::cluster::encode(h), fault));
  CAF_CHECK_EQUAL(fault, "a hello cannot be read: a name is not UTF-8 or has control characters");
  h.name = "two\nlines";
  CAF_CHECK(!decode_hello(beckon::cluster::encode(h), fault));
  h.name = std::string(256, 'n');
  CAF_CHECK(!decode_hello(beckon::cluster::encode(h), fault));
  h.name = "n";
  bytes = beckon::cluster::encode(h);
  bytes[0] = 1;
  CAF_CHECK(!decode_hello(bytes, fault));
  CAF_CHECK_EQUAL(
      fault, "the peer's messages have layout 1, this node reads layout 2: stop all nodes of the cluster, "
             "then start them with one version of Beckon");
}

CAF_TEST(a hello of a later version is read) {
  hello h;
  h.cluster = "c";
  h.name = "n";
  h.speaks = {7, 8};
  h.state_format_newest = 5;
  std::string fault;
  auto got = decode_hello(beckon::cluster::encode(h) + "members that come later", fault);
  CAF_REQUIRE(got);
  CAF_CHECK_EQUAL(got->state_format_newest, 5u);
  CAF_CHECK(got->speaks.oldest == 7 && got->speaks.newest == 8);
}

CAF_TEST(nodes speak the newest version that both know) {
  auto common = [](protocol_range a, protocol_range b) { return int{common_protocol(a, b)}; };
  CAF_CHECK_EQUAL(common({2, 2}, {2, 2}), 2);
  CAF_CHECK_EQUAL(common({2, 3}, {2, 2}), 2);
  CAF_CHECK_EQUAL(common({2, 2}, {2, 3}), 2);
  CAF_CHECK_EQUAL(common({2, 3}, {3, 4}), 3);
  CAF_CHECK_EQUAL(common({2, 3}, {4, 5}), 0);
  CAF_CHECK_EQUAL(common({4, 5}, {2, 3}), 0);
}

CAF_TEST(frames of unknown kinds are skipped and the rest of the batch is read) {
  batch sent;
  sent.head = {1, 2, 3, 4};
  sent.frames = {catalog_hint_frame{9}};
  auto bytes = encode(sent);
  bytes = with_frame(bytes, foreign_frame(77, "whatever it is"));
  bytes = with_frame(bytes, foreign_frame(77 | ask_bit, std::string{"\x85\x01 and more"})); // id 133
  bytes = with_frame(bytes, foreign_frame(78 | ask_bit, "")); // an ask without an id
  bytes = with_frame(bytes, foreign_frame(0, ""));
  bytes = with_frame(bytes, encode(batch_of(look_hint_frame{})).substr(38));
  std::string fault;
  auto got = decode_batch(bytes, {}, fault);
  CAF_REQUIRE_EQUAL(fault, "");
  CAF_REQUIRE(got);
  CAF_CHECK_EQUAL(got->skipped, 4u);
  CAF_CHECK_EQUAL(got->unsupported, std::vector<uint64_t>{133});
  CAF_REQUIRE_EQUAL(got->frames.size(), 2u);
  CAF_CHECK(std::holds_alternative<catalog_hint_frame>(got->frames[0]));
  CAF_CHECK(std::holds_alternative<look_hint_frame>(got->frames[1]));
}

CAF_TEST(an ask with a verb or a flag of a later version is skipped alone) {
  using decision::event_type;
  decide_ask_frame decide;
  decide.request.user = "u";
  decide.request.placements = {"p"};
  auto with_flag = encode(batch_of(decide));
  CAF_REQUIRE_EQUAL(int{with_flag[38 + 5 + 3]}, 0); // the head, kind and length, id, epoch and deadline
  with_flag[38 + 5 + 3] = 4;
  storage::event_row event;
  event.id = "e";
  event.user = "u";
  event.popup = "p";
  event.type = static_cast<event_type>(static_cast<int>(event_type::custom) + 1);
  batch sent;
  sent.frames = {user_ask_frame{9, 1, 1, static_cast<user_verb>(4), "u", {}},
                 user_ask_frame{10, 1, 1, user_verb::get, "u", {}}, events_ask_frame{11, 1, {event}}};
  std::string fault;
  auto got = decode_batch(encode(sent), {}, fault);
  CAF_REQUIRE_EQUAL(fault, "");
  CAF_REQUIRE(got);
  CAF_REQUIRE_EQUAL(got->frames.size(), 1u);
  CAF_CHECK_EQUAL(std::get<user_ask_frame>(got->frames[0]).id, 10u);
  CAF_CHECK_EQUAL(got->unsupported, (std::vector<uint64_t>{9, 11}));
  got = decode_batch(with_flag, {}, fault);
  CAF_REQUIRE(got);
  CAF_CHECK(got->frames.empty());
  CAF_CHECK_EQUAL(got->skipped, 1u);
}

CAF_TEST(an answer with a result of a later version means that nothing is known of it) {
  std::string fault;
  auto got =
      decode_batch(encode(batch_of(decide_answer_frame{1, static_cast<ask_result>(9), {}, {}})), {}, fault);
  CAF_REQUIRE(got);
  CAF_CHECK(std::get<decide_answer_frame>(got->frames.at(0)).result == ask_result::unavailable);
  got = decode_batch(encode(batch_of(events_answer_frame{1, static_cast<events_result>(9), {}, 0, {}})), {},
                     fault);
  CAF_REQUIRE(got);
  CAF_CHECK(std::get<events_answer_frame>(got->frames.at(0)).result == events_result::not_now);
}
