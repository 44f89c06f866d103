#include "storage/event_codec.hpp"

#include "base/byte_codec.hpp"

#include <array>

namespace beckon::storage {

namespace {

constexpr uint8_t format_1 = 1;

std::array<std::string event_row::*, 7> text_members() {
  return {&event_row::id,      &event_row::name,        &event_row::user,      &event_row::popup,
          &event_row::variant, &event_row::decision_id, &event_row::properties};
}

} // namespace

std::string encode_events(const std::vector<event_row>& events) {
  std::string out;
  out.reserve(8 + events.size() * 192);
  base::put_fixed<uint8_t>(out, format_1);
  base::put_fixed<uint32_t>(out, static_cast<uint32_t>(events.size()));
  for (const auto& e : events) {
    base::put_fixed<uint8_t>(out, static_cast<uint8_t>(e.type));
    base::put_fixed<int64_t>(out, e.at_ms);
    base::put_fixed<int64_t>(out, e.received_ms);
    for (auto member : text_members()) {
      base::put_fixed<uint32_t>(out, static_cast<uint32_t>((e.*member).size()));
      out += e.*member;
    }
  }
  return out;
}

std::optional<std::vector<event_row>> decode_events(std::string_view bytes) {
  base::byte_reader in{bytes};
  if (in.fixed<uint8_t>() != format_1)
    return std::nullopt;
  auto count = in.fixed<uint32_t>();
  std::vector<event_row> events;
  for (uint32_t i = 0; i < count && in.good(); ++i) {
    event_row e;
    auto type = in.fixed<uint8_t>();
    if (type > static_cast<uint8_t>(decision::event_type::custom))
      return std::nullopt;
    e.type = static_cast<decision::event_type>(type);
    e.at_ms = in.fixed<int64_t>();
    e.received_ms = in.fixed<int64_t>();
    for (auto member : text_members())
      e.*member = in.bytes(in.fixed<uint32_t>());
    events.push_back(std::move(e));
  }
  if (!in.good() || !in.at_end())
    return std::nullopt;
  return events;
}

} // namespace beckon::storage
