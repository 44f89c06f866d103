#include "storage/event_codec.hpp"

#include <array>
#include <cstring>

namespace beckon::storage {

namespace {

constexpr uint8_t format_1 = 1;

std::array<std::string event_row::*, 7> text_members() {
  return {&event_row::id,      &event_row::name,        &event_row::user,      &event_row::popup,
          &event_row::variant, &event_row::decision_id, &event_row::properties};
}

template <class T>
void put(std::string& out, T number) {
  for (size_t i = 0; i < sizeof(T); ++i)
    out += static_cast<char>(static_cast<uint64_t>(number) >> (8 * i) & 0xff);
}

/// Takes numbers and texts off the front; remembers when something was missing.
class source {
 public:
  explicit source(std::string_view bytes) : rest_(bytes) {}

  uint64_t number(size_t size) {
    auto bytes = take(size);
    uint64_t n = 0;
    for (size_t i = 0; i < bytes.size(); ++i)
      n |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    return n;
  }

  std::string text() { return std::string{take(number(4))}; }
  size_t left() const { return rest_.size(); }
  bool failed() const { return failed_; }

 private:
  std::string_view take(uint64_t size) {
    if (size > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool failed_ = false;
};

} // namespace

std::string encode_events(const std::vector<event_row>& events) {
  std::string out;
  out.reserve(8 + events.size() * 192);
  put<uint8_t>(out, format_1);
  put<uint32_t>(out, static_cast<uint32_t>(events.size()));
  for (const auto& e : events) {
    put<uint8_t>(out, static_cast<uint8_t>(e.type));
    put<int64_t>(out, e.at_ms);
    put<int64_t>(out, e.received_ms);
    for (auto member : text_members()) {
      put<uint32_t>(out, static_cast<uint32_t>((e.*member).size()));
      out += e.*member;
    }
  }
  return out;
}

std::optional<std::vector<event_row>> decode_events(std::string_view bytes) {
  source in{bytes};
  if (in.number(1) != format_1)
    return std::nullopt;
  auto count = in.number(4);
  std::vector<event_row> events;
  for (uint64_t i = 0; i < count && !in.failed(); ++i) {
    event_row e;
    auto type = in.number(1);
    if (type > static_cast<uint64_t>(decision::event_type::custom))
      return std::nullopt;
    e.type = static_cast<decision::event_type>(type);
    e.at_ms = static_cast<int64_t>(in.number(8));
    e.received_ms = static_cast<int64_t>(in.number(8));
    for (auto member : text_members())
      e.*member = in.text();
    events.push_back(std::move(e));
  }
  if (in.failed() || in.left() != 0)
    return std::nullopt;
  return events;
}

} // namespace beckon::storage
