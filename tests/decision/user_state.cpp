#define CAF_SUITE decision.user_state

#include "scenario.hpp"

#include <caf/test/unit_test.hpp>

#include <random>

using namespace beckon::decision;
using namespace beckon::decision::scenario;

namespace {

using answer = user_state::request_id_answer;

bool same(const user_state& a, const user_state& b) {
  auto records = [](const popup_record& x, const popup_record& y) {
    return x.popup == y.popup && x.shows == y.shows && x.last_shown_ms == y.last_shown_ms
           && x.clicked_ms == y.clicked_ms && x.dismissed_ms == y.dismissed_ms
           && x.converted_ms == y.converted_ms;
  };
  auto requests = [](const recent_request& x, const recent_request& y) {
    return x.hash == y.hash && x.at_ms == y.at_ms;
  };
  return a.version == b.version && a.next_eligible_ms == b.next_eligible_ms
         && a.requests_dropped_ms == b.requests_dropped_ms
         && std::equal(a.popups.begin(), a.popups.end(), b.popups.begin(), b.popups.end(), records)
         && std::equal(a.requests.begin(), a.requests.end(), b.requests.begin(), b.requests.end(), requests);
}

user_state random_state(std::mt19937_64& random, size_t popups, size_t requests) {
  user_state s;
  auto time = [&] { return random() % 3 == 0 ? 0 : static_cast<int64_t>(random() % (uint64_t{1} << 53)); };
  s.version = random();
  s.next_eligible_ms = time();
  s.requests_dropped_ms = time();
  for (size_t i = 0; i < popups; ++i) {
    auto& r = s.touch("popup-" + std::to_string(random() % 1'000'000));
    r.shows = static_cast<uint32_t>(random());
    r.last_shown_ms = time();
    r.clicked_ms = time();
    r.dismissed_ms = time();
    r.converted_ms = time();
  }
  for (size_t i = 0; i < requests; ++i)
    s.requests.push_back({random(), time()});
  return s;
}

} // namespace

CAF_TEST(records are found and kept sorted) {
  user_state s;
  for (const auto* id : {"m", "a", "z", "b", "m"})
    ++s.touch(id).shows;
  CAF_CHECK_EQUAL(s.popups.size(), 4u);
  CAF_CHECK_EQUAL(s.find("m")->shows, 2u);
  CAF_CHECK(s.find("c") == nullptr);
  for (size_t i = 1; i < s.popups.size(); ++i)
    CAF_CHECK(s.popups[i - 1].popup < s.popups[i].popup);
}

CAF_TEST(encoded states are decoded) {
  auto seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 random{seed};
  for (int i = 0; i < 500; ++i) {
    auto s = random_state(random, random() % 30, random() % (recent_requests_max + 1));
    auto bytes = encode(s);
    auto again = decode_user_state(bytes);
    CAF_REQUIRE(again);
    CAF_REQUIRE(same(*again, s));
  }
  CAF_CHECK(same(*decode_user_state(encode({})), {}));
}

CAF_TEST(a truncated or longer encoding is refused) {
  std::mt19937_64 random{1};
  auto bytes = encode(random_state(random, 5, 5));
  for (size_t size = 0; size < bytes.size(); ++size)
    CAF_CHECK(!decode_user_state(bytes.substr(0, size)));
  CAF_CHECK(!decode_user_state(bytes + '\0'));
}

CAF_TEST(other bytes are refused) {
  CAF_CHECK(!decode_user_state(""));
  CAF_CHECK(!decode_user_state(std::string{"\x02\0\0\0\0\0", 6}));                // a format to come
  CAF_CHECK(decode_user_state(std::string{"\x01\0\0\0\0\0", 6}));                 // nothing in it
  CAF_CHECK(!decode_user_state(std::string{"\x01\x80\0\0\0\0\0", 7}));            // a number written too long
  CAF_CHECK(!decode_user_state(std::string{"\x01\0\0\0\xFF\x7F\0", 7}));          // more records than bytes
  CAF_CHECK(!decode_user_state(std::string{"\x01\0\0\0\x01\0\0\0\0\0\0\0", 12})); // an id without bytes
  user_state s;
  s.popups = {{"b", 1, 1, 0, 0, 0}, {"a", 1, 1, 0, 0, 0}};
  CAF_CHECK(!decode_user_state(encode(s)));
  s.popups[1].popup = "b";
  CAF_CHECK(!decode_user_state(encode(s)));
  s.popups.resize(1);
  s.requests.resize(recent_requests_max + 1);
  CAF_CHECK(!decode_user_state(encode(s)));
}

CAF_TEST(changed bytes never do harm) {
  auto seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 random{seed};
  auto base = encode(random_state(random, 5, 3));
  for (int i = 0; i < 50'000; ++i) {
    auto bytes = base;
    for (auto changes = random() % 3 + 1; changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (auto s = decode_user_state(bytes))
      CAF_REQUIRE_EQUAL(encode(*s), bytes); // one state has one encoding
  }
}

CAF_TEST(twenty popups stay under a kilobyte) {
  user_state s;
  s.version = 1000;
  s.next_eligible_ms = now_ms;
  for (int i = 10; i < 30; ++i) {
    auto& r = s.touch("popup-id-0" + std::to_string(i));
    CAF_REQUIRE_EQUAL(r.popup.size(), 12u);
    r.shows = 300;
    r.last_shown_ms = r.clicked_ms = r.dismissed_ms = r.converted_ms = now_ms + i;
  }
  for (int i = 0; i < 10; ++i)
    s.remember_request("r-" + std::to_string(i), now_ms);
  CAF_MESSAGE(encode(s).size() << " bytes");
  CAF_CHECK(encode(s).size() < 1024);
}

CAF_TEST(events move their time forward only) {
  user_state s;
  CAF_CHECK(!apply_event(s, event_type::impression, "p", now_ms, now_ms));
  CAF_CHECK(!apply_event(s, event_type::custom, "p", now_ms, now_ms));
  CAF_CHECK(s.popups.empty());
  CAF_CHECK(apply_event(s, event_type::click, "p", now_ms - 5, now_ms));
  CAF_CHECK_EQUAL(s.find("p")->clicked_ms, now_ms - 5);
  CAF_CHECK(!apply_event(s, event_type::click, "p", now_ms - 6, now_ms));
  CAF_CHECK(!apply_event(s, event_type::click, "p", now_ms - 5, now_ms));
  CAF_CHECK(apply_event(s, event_type::click, "p", now_ms + 500, now_ms));
  CAF_CHECK_EQUAL(s.find("p")->clicked_ms, now_ms);
  CAF_CHECK(apply_event(s, event_type::dismiss, "p", now_ms, now_ms));
  CAF_CHECK(apply_event(s, event_type::convert, "p", now_ms - 1, now_ms));
  CAF_CHECK(!apply_event(s, event_type::convert, "q", 0, now_ms));
  CAF_CHECK_EQUAL(s.find("p")->dismissed_ms, now_ms);
  CAF_CHECK_EQUAL(s.find("p")->converted_ms, now_ms - 1);
  CAF_CHECK_EQUAL(s.version, 4u);
  CAF_CHECK_EQUAL(s.popups.size(), 1u);
}

CAF_TEST(events do not fill the state without bound) {
  user_state s;
  auto id = [](size_t i) { return "p" + std::to_string(i); };
  for (size_t i = 0; i < popup_records_max + 10; ++i)
    apply_event(s, event_type::click, id(i), now_ms, now_ms);
  CAF_CHECK_EQUAL(s.popups.size(), popup_records_max);
  CAF_CHECK_LESS(encode(s).size(), size_t{16384});
  CAF_CHECK(apply_event(s, event_type::dismiss, "p7", now_ms, now_ms));
}

CAF_TEST(a request id is known for a day) {
  user_state s;
  CAF_CHECK(s.check_request("r-1", now_ms) == answer::fresh);
  s.remember_request("r-1", now_ms);
  CAF_CHECK(s.check_request("r-1", now_ms) == answer::ask_store);
  CAF_CHECK(s.check_request("r-2", now_ms) == answer::fresh);
  CAF_CHECK(s.check_request("r-1", now_ms + request_id_keep_ms - 1) == answer::ask_store);
  CAF_CHECK(s.check_request("r-1", now_ms + request_id_keep_ms) == answer::fresh);
  s.remember_request("r-1", now_ms + 1);
  CAF_CHECK_EQUAL(s.requests.size(), 1u);
  s.remember_request("r-2", now_ms + 1 + request_id_keep_ms);
  CAF_CHECK_EQUAL(s.requests.size(), 1u);
  CAF_CHECK_EQUAL(s.requests_dropped_ms, 0);
}

CAF_TEST(dropped request ids send others to the store until they are old) {
  user_state s;
  for (size_t i = 0; i < recent_requests_max + 2; ++i)
    s.remember_request("r-" + std::to_string(i), now_ms + static_cast<int64_t>(i));
  CAF_CHECK_EQUAL(s.requests.size(), recent_requests_max);
  CAF_CHECK_EQUAL(s.requests_dropped_ms, now_ms + 1);
  CAF_CHECK(s.check_request("r-0", now_ms + 100) == answer::ask_store);
  CAF_CHECK(s.check_request("never seen", now_ms + 100) == answer::ask_store);
  CAF_CHECK(s.check_request("never seen", now_ms + request_id_keep_ms) == answer::ask_store);
  CAF_CHECK(s.check_request("never seen", now_ms + 1 + request_id_keep_ms) == answer::fresh);
}
