#define CAF_SUITE storage.event_codec

#include "storage/event_codec.hpp"

#include <caf/test/dsl.hpp>

using namespace beckon;
using namespace beckon::storage;

namespace {

std::vector<event_row> sample() {
  event_row full{
      "e1",        decision::event_type::custom, "name", "user", "popup", "variant", "decision", -5, 7,
      R"({"a":1})"};
  event_row bare;
  bare.id = std::string("x\0y", 3);
  return {full, bare};
}

} // namespace

CAF_TEST(what was encoded is read back) {
  auto decoded = decode_events(encode_events(sample()));
  CAF_REQUIRE(decoded);
  CAF_CHECK(encode_events(*decoded) == encode_events(sample()));
  CAF_REQUIRE_EQUAL(decoded->size(), 2u);
  CAF_CHECK_EQUAL(decoded->front().at_ms, -5);
  CAF_CHECK_EQUAL(decoded->front().properties, R"({"a":1})");
  CAF_CHECK_EQUAL(decoded->back().id.size(), 3u);
  CAF_CHECK(decode_events(encode_events({}))->empty());
}

CAF_TEST(bytes that are no batch are refused) {
  auto bytes = encode_events(sample());
  for (size_t n = 0; n < bytes.size(); ++n)
    CAF_REQUIRE(!decode_events(std::string_view{bytes}.substr(0, n)));
  CAF_CHECK(!decode_events(bytes + "x"));
  auto newer = bytes;
  newer[0] = 2;
  CAF_CHECK(!decode_events(newer));
  auto type = bytes;
  type[5] = 77;
  CAF_CHECK(!decode_events(type));
}
