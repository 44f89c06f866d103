#include "decision/user_state.hpp"

#include "decision/hash.hpp"

#include <algorithm>

namespace beckon::decision {

namespace {

constexpr char format_1 = 1;
constexpr size_t popup_id_bytes_max = 128;
constexpr uint64_t time_ms_max = uint64_t{1} << 53;
constexpr size_t record_bytes_min = 7;  // length and one byte of id, shows, four times
constexpr size_t request_bytes_min = 9; // hash and time

void put_varint(std::string& out, uint64_t n) {
  for (; n >= 0x80; n >>= 7)
    out.push_back(static_cast<char>(n | 0x80));
  out.push_back(static_cast<char>(n));
}

void put_time(std::string& out, int64_t ms) {
  put_varint(out, static_cast<uint64_t>(ms));
}

/// Takes parts from the head of the bytes; after the first misfit everything is zero and `good` false.
class byte_reader {
 public:
  explicit byte_reader(std::string_view bytes) : rest_(bytes) {}

  bool good() const { return good_; }
  bool at_end() const { return rest_.empty(); }

  uint64_t varint() {
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty())
        return fail();
      auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      result |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) {
        // One number has one encoding: no zero at the top, nothing beyond 64 bits.
        bool canonical = (shift == 0 || byte != 0) && (shift < 63 || byte <= 1);
        return canonical ? result : fail();
      }
    }
    return fail();
  }

  /// Small enough that sums with any duration cannot overflow.
  int64_t time() {
    auto result = varint();
    return result <= time_ms_max ? static_cast<int64_t>(result) : static_cast<int64_t>(fail());
  }

  /// A count of parts that take at least `bytes_min` each.
  size_t count(size_t bytes_min) {
    auto result = varint();
    return result <= rest_.size() / bytes_min ? static_cast<size_t>(result) : fail();
  }

  uint64_t fixed64() {
    if (rest_.size() < 8)
      return fail();
    uint64_t result = 0;
    for (size_t i = 0; i < 8; ++i)
      result |= static_cast<uint64_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
    rest_.remove_prefix(8);
    return result;
  }

  std::string_view text(size_t bytes_max) {
    auto size = varint();
    if (size == 0 || size > bytes_max || size > rest_.size()) {
      fail();
      return {};
    }
    auto result = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return result;
  }

  uint64_t fail() {
    good_ = false;
    rest_ = {};
    return 0;
  }

 private:
  std::string_view rest_;
  bool good_ = true;
};

popup_record read_record(byte_reader& in) {
  popup_record r;
  r.popup = in.text(popup_id_bytes_max);
  auto shows = in.varint();
  if (shows > UINT32_MAX)
    in.fail();
  r.shows = static_cast<uint32_t>(shows);
  r.last_shown_ms = in.time();
  r.clicked_ms = in.time();
  r.dismissed_ms = in.time();
  r.converted_ms = in.time();
  return r;
}

bool earlier_id(const popup_record& r, std::string_view popup) {
  return r.popup < popup;
}

int64_t* outcome_time(popup_record& r, event_type type) {
  switch (type) {
  case event_type::click:
    return &r.clicked_ms;
  case event_type::dismiss:
    return &r.dismissed_ms;
  case event_type::convert:
    return &r.converted_ms;
  case event_type::impression:
  case event_type::custom:
    break;
  }
  return nullptr;
}

} // namespace

const popup_record* user_state::find(std::string_view popup) const {
  auto at = std::lower_bound(popups.begin(), popups.end(), popup, earlier_id);
  return at != popups.end() && at->popup == popup ? &*at : nullptr;
}

popup_record& user_state::touch(std::string_view popup) {
  auto at = std::lower_bound(popups.begin(), popups.end(), popup, earlier_id);
  if (at == popups.end() || at->popup != popup) {
    at = popups.emplace(at);
    at->popup = popup;
  }
  return *at;
}

user_state::request_id_answer user_state::check_request(std::string_view request_id, int64_t now_ms) const {
  auto hash = user_hash(request_id);
  for (const auto& r : requests)
    if (r.hash == hash && now_ms - r.at_ms < request_id_keep_ms)
      return request_id_answer::ask_store;
  bool dropped = requests_dropped_ms != 0 && now_ms - requests_dropped_ms < request_id_keep_ms;
  return dropped ? request_id_answer::ask_store : request_id_answer::fresh;
}

void user_state::remember_request(std::string_view request_id, int64_t now_ms) {
  auto hash = user_hash(request_id);
  auto gone = std::remove_if(requests.begin(), requests.end(), [&](const recent_request& r) {
    return r.hash == hash || now_ms - r.at_ms >= request_id_keep_ms;
  });
  requests.erase(gone, requests.end());
  requests.push_back({hash, now_ms});
  while (requests.size() > recent_requests_max) {
    requests_dropped_ms = std::max(requests_dropped_ms, requests.front().at_ms);
    requests.erase(requests.begin());
  }
}

bool apply_event(user_state& s, event_type type, std::string_view popup, int64_t at_ms, int64_t now_ms) {
  popup_record unused;
  if (outcome_time(unused, type) == nullptr)
    return false;
  auto moment = std::min(at_ms, now_ms);
  if (moment <= 0) // 0 says never
    return false;
  if (s.popups.size() >= popup_records_max && s.find(popup) == nullptr)
    return false;
  auto* time = outcome_time(s.touch(popup), type);
  if (*time >= moment)
    return false;
  *time = moment;
  ++s.version;
  return true;
}

std::string encode(const user_state& s) {
  std::string out;
  out.reserve(32 + s.popups.size() * 44 + s.requests.size() * 14);
  out.push_back(format_1);
  put_varint(out, s.version);
  put_time(out, s.next_eligible_ms);
  put_time(out, s.requests_dropped_ms);
  put_varint(out, s.popups.size());
  for (const auto& r : s.popups) {
    put_varint(out, r.popup.size());
    out += r.popup;
    put_varint(out, r.shows);
    put_time(out, r.last_shown_ms);
    put_time(out, r.clicked_ms);
    put_time(out, r.dismissed_ms);
    put_time(out, r.converted_ms);
  }
  put_varint(out, s.requests.size());
  for (const auto& r : s.requests) {
    for (unsigned shift = 0; shift < 64; shift += 8) // a hash has no small values: fixed is shorter
      out.push_back(static_cast<char>(r.hash >> shift));
    put_time(out, r.at_ms);
  }
  return out;
}

std::optional<user_state> decode_user_state(std::string_view bytes) {
  if (bytes.empty() || bytes.front() != format_1)
    return std::nullopt;
  byte_reader in{bytes.substr(1)};
  user_state s;
  s.version = in.varint();
  s.next_eligible_ms = in.time();
  s.requests_dropped_ms = in.time();
  auto records = in.count(record_bytes_min);
  s.popups.reserve(records);
  for (size_t i = 0; i < records; ++i) {
    s.popups.push_back(read_record(in));
    if (!in.good() || (i > 0 && s.popups[i - 1].popup >= s.popups[i].popup))
      return std::nullopt;
  }
  auto requests = in.count(request_bytes_min);
  if (requests > recent_requests_max)
    return std::nullopt;
  s.requests.resize(requests);
  for (auto& r : s.requests) {
    r.hash = in.fixed64();
    r.at_ms = in.time();
  }
  if (!in.good() || !in.at_end())
    return std::nullopt;
  return s;
}

} // namespace beckon::decision
