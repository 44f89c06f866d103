#define CAF_SUITE peers.frame_check

#include "peers/frame_check.hpp"

#include <caf/io/basp/header.hpp>
#include <caf/message_id.hpp>
#include <caf/test/dsl.hpp>

#include <string>

using namespace beckon::peers;
using caf::io::basp::message_type;

namespace {

std::string header(message_type operation, uint32_t body_bytes,
                   uint64_t id = caf::message_id::default_async_value) {
  std::string result(frame_check::header_bytes, '\0');
  result[0] = static_cast<char>(operation);
  for (size_t i = 0; i < 4; ++i)
    result[4 + i] = static_cast<char>(body_bytes >> (24 - 8 * i));
  for (size_t i = 0; i < 8; ++i)
    result[8 + i] = static_cast<char>(id >> (56 - 8 * i));
  return result;
}

/// What the check says of the last of these pieces, the ones before being fine; empty: nothing.
std::string verdict(frame_check& check, const std::vector<std::string>& pieces) {
  for (const auto& p : pieces)
    if (const char* problem = check.take(p.data(), p.size()))
      return problem;
  return {};
}

const auto hello = header(message_type::client_handshake, 5);
const auto greeting = header(message_type::server_handshake, 5);
const std::string body = "12345";

struct fixture {
  frame_check door{frame_check::side::accepting};
  frame_check caller{frame_check::side::connecting};
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(frame_check_tests, fixture)

CAF_TEST(what nodes say passes on both sides) {
  for (auto* check : {&door, &caller}) {
    auto first = check == &door ? hello : greeting;
    CAF_CHECK_EQUAL(verdict(*check, {first}), "");
    CAF_CHECK(!check->is_known());
    CAF_CHECK_EQUAL(verdict(*check, {body}), "");
    CAF_CHECK(check->is_known());
    CAF_CHECK_EQUAL(
        verdict(*check,
                {header(message_type::heartbeat, 0, 0), header(message_type::direct_message, 5), body,
                 header(message_type::routed_message, 5), body, header(message_type::monitor_message, 5, 0),
                 body, header(message_type::down_message, 5, 0), body}),
        "");
  }
}

CAF_TEST(a body may be anything) {
  auto like_header = header(message_type::heartbeat, 77);
  CAF_CHECK_EQUAL(verdict(door, {header(message_type::client_handshake, 32), like_header, hello, body}), "");
}

CAF_TEST(nothing comes before the handshake) {
  CAF_CHECK_NOT_EQUAL(verdict(door, {header(message_type::direct_message, 5)}), "");
  CAF_CHECK_NOT_EQUAL(verdict(caller, {header(message_type::heartbeat, 0)}), "");
}

CAF_TEST(each side has its own handshake) {
  CAF_CHECK_NOT_EQUAL(verdict(door, {greeting}), "");
  CAF_CHECK_NOT_EQUAL(verdict(caller, {hello}), "");
  CAF_CHECK_NOT_EQUAL(verdict(door, {hello, body, greeting}), "");
}

CAF_TEST(all but heartbeats have a body) {
  CAF_CHECK_NOT_EQUAL(verdict(door, {header(message_type::client_handshake, 0)}), "");
  CAF_CHECK_EQUAL(verdict(caller, {greeting, body}), "");
  CAF_CHECK_NOT_EQUAL(verdict(caller, {header(message_type::down_message, 0)}), "");
  CAF_CHECK_NOT_EQUAL(verdict(caller, {header(message_type::heartbeat, 1)}), "");
}

CAF_TEST(stream messages are refused) {
  for (uint64_t category : {2, 3})
    for (auto operation : {message_type::direct_message, message_type::routed_message}) {
      frame_check check{frame_check::side::accepting};
      auto id = caf::message_id{}.with_category(category).integer_value();
      CAF_CHECK_EQUAL(verdict(check, {hello, body}), "");
      CAF_CHECK_NOT_EQUAL(verdict(check, {header(operation, 5, id)}), "");
    }
}

CAF_TEST(other protocols are refused) {
  CAF_CHECK_NOT_EQUAL(verdict(door, {"GET / HTTP/1.1\r\nHost: there\r\n\r\n "}), "");
  CAF_CHECK_NOT_EQUAL(verdict(door, {hello, body, std::string(32, '\xff')}), "");
  CAF_CHECK_NOT_EQUAL(verdict(caller, {"short"}), "");
}

CAF_TEST_FIXTURE_SCOPE_END()
