#include "decision/user_state.hpp"

#include "base/byte_codec.hpp"
#include "decision/hash.hpp"

#include <algorithm>

namespace beckon::decision {

namespace {

constexpr char format_1 = 1;
constexpr size_t popup_id_bytes_max = 128;
constexpr uint64_t time_ms_max = uint64_t{1} << 53;
constexpr size_t record_bytes_min = 7;  // length and one byte of id, shows, four times
constexpr size_t request_bytes_min = 9; // hash and time

void put_time(std::string& out, int64_t ms) {
  base::put_varint(out, static_cast<uint64_t>(ms));
}

/// Small enough that sums with any duration cannot overflow.
int64_t read_time(base::byte_reader& in) {
  auto result = in.varint();
  return static_cast<int64_t>(result <= time_ms_max ? result : in.fail());
}

popup_record read_record(base::byte_reader& in) {
  popup_record r;
  r.popup = in.text(popup_id_bytes_max);
  if (r.popup.empty())
    in.fail();
  auto shows = in.varint();
  if (shows > UINT32_MAX)
    in.fail();
  r.shows = static_cast<uint32_t>(shows);
  r.last_shown_ms = read_time(in);
  r.clicked_ms = read_time(in);
  r.dismissed_ms = read_time(in);
  r.converted_ms = read_time(in);
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
  if (moment <= 0) // 0 means never
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
  base::put_varint(out, s.version);
  put_time(out, s.next_eligible_ms);
  put_time(out, s.requests_dropped_ms);
  base::put_varint(out, s.popups.size());
  for (const auto& r : s.popups) {
    base::put_text(out, r.popup);
    base::put_varint(out, r.shows);
    put_time(out, r.last_shown_ms);
    put_time(out, r.clicked_ms);
    put_time(out, r.dismissed_ms);
    put_time(out, r.converted_ms);
  }
  base::put_varint(out, s.requests.size());
  for (const auto& r : s.requests) {
    base::put_fixed(out, r.hash); // hashes are rarely small, so fixed width is shorter
    put_time(out, r.at_ms);
  }
  return out;
}

std::optional<user_state> decode_user_state(std::string_view bytes) {
  if (bytes.empty() || bytes.front() != format_1)
    return std::nullopt;
  base::byte_reader in{bytes.substr(1)};
  user_state s;
  s.version = in.varint();
  s.next_eligible_ms = read_time(in);
  s.requests_dropped_ms = read_time(in);
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
    r.hash = in.fixed<uint64_t>();
    r.at_ms = read_time(in);
  }
  if (!in.good() || !in.at_end())
    return std::nullopt;
  return s;
}

} // namespace beckon::decision
