#include "bench/load/history.hpp"

#include <algorithm>
#include <charconv>

namespace beckon::load {

namespace {

constexpr uint64_t events_per_file_max = uint64_t{1} << 32;

int64_t floor_ms(int64_t us) {
  return us / 1000;
}

int64_t ceil_ms(int64_t us) {
  return (us + 999) / 1000;
}

uint64_t show_key(const show& s) {
  uint64_t h = s.decision;
  for (uint64_t part : {uint64_t{s.user}, uint64_t{s.placement}, uint64_t{s.popup}})
    h = (h ^ part) * 0x9e3779b97f4a7c15 + (h >> 29);
  return h;
}

} // namespace

std::optional<int64_t> uuid_v7_ms(std::string_view text) {
  if (text.size() != 36 || text[8] != '-' || text[13] != '-' || text[14] != '7')
    return std::nullopt;
  int64_t high = 0;
  int64_t low = 0;
  auto first = std::from_chars(text.data(), text.data() + 8, high, 16);
  auto second = std::from_chars(text.data() + 9, text.data() + 13, low, 16);
  if (first.ptr != text.data() + 8 || second.ptr != text.data() + 13)
    return std::nullopt;
  return (high << 16) | low;
}

uint32_t history::name(const std::string& text) {
  auto [found, fresh] = name_of_.emplace(text, static_cast<uint32_t>(names_.size()));
  if (fresh)
    names_.push_back(text);
  return found->second;
}

std::optional<uint32_t> history::find_name(const std::string& text) const {
  auto found = name_of_.find(text);
  return found == name_of_.end() ? std::nullopt : std::optional{found->second};
}

uint64_t history::uncertain(uint32_t user) const {
  auto found = uncertain_.find(user);
  return found == uncertain_.end() ? 0 : found->second;
}

void history::begin(const ledger_begin& begin) {
  auto name = ledger_name(begin.run, begin.thread);
  if (!file_of_.emplace(name, files_.size()).second)
    problem_ =
        "two files say that they are " + name + ": a copy of a ledger must not be read together with it";
  files_.push_back({name, {}});
  if (began_us_ != 0 && began_us_ <= begin.at_us)
    return;
  began_us_ = begin.at_us;
  shows_before_ = begin.shows_before;
}

void history::sent(const ledger_intent& intent) {
  ++requests_;
  if (!open_.emplace(intent.number, intent).second)
    problem_ = files_.back().name + ": request " + std::to_string(intent.number) + " was sent twice";
  if (intent.count > 0) {
    mark(intent, event_mark::sent);
    return;
  }
  name(intent.user);
  if (intent.request_id.empty())
    return;
  auto [found, fresh] = repeats_.try_emplace(intent.request_id);
  auto& r = found->second;
  r.user = name(intent.user);
  r.first_sent_us = fresh ? intent.at_us : std::min(r.first_sent_us, intent.at_us);
}

void history::mark(const ledger_intent& intent, uint8_t bits) {
  auto& marks = files_.back().marks;
  auto end = intent.first + intent.count;
  if (end > events_per_file_max || end < intent.first) {
    problem_ = files_.back().name + ": event numbers beyond 2^32";
    return;
  }
  if (marks.size() < end)
    marks.resize(end);
  for (auto i = intent.first; i < end; ++i)
    marks[i] |= bits;
}

void history::answered(const ledger_outcome& outcome) {
  auto found = open_.find(outcome.number);
  if (found == open_.end()) {
    problem_ = files_.back().name + ": an outcome of request " + std::to_string(outcome.number)
               + ", which was not sent or has one already";
    return;
  }
  auto intent = std::move(found->second);
  open_.erase(found);
  if (outcome.status != 0 && !outcome.lost.empty())
    wrong_.push_back(std::string{to_string(intent.kind)} + " got " + std::to_string(outcome.status) + ": "
                     + outcome.lost);
  if (intent.count > 0)
    take_events(intent, outcome);
  else
    take_decide(intent, outcome);
}

void history::take_events(const ledger_intent& intent, const ledger_outcome& outcome) {
  if (outcome.events) {
    auto& marks = files_.back().marks;
    mark(intent, event_mark::confirmed);
    for (auto index : outcome.events->rejected) {
      if (index >= intent.count)
        continue;
      auto& m = marks[intent.first + index];
      m = static_cast<uint8_t>((m & ~event_mark::confirmed) | event_mark::refused);
    }
  } else {
    bool refused = outcome.status >= 400 && outcome.status < 500;
    mark(intent, refused ? event_mark::refused : event_mark::unknown);
  }
}

void history::unknown(const ledger_intent& intent) {
  if (intent.count > 0) {
    mark(intent, event_mark::unknown);
  } else if (!intent.request_id.empty()) {
    ++repeats_[intent.request_id].uncertain;
  } else {
    ++uncertain_[name(intent.user)];
    ++uncertain_all_;
  }
}

void history::take_decide(const ledger_intent& intent, const ledger_outcome& outcome) {
  bool refused = outcome.status >= 400 && outcome.status < 500;
  if (!outcome.decide || outcome.decide->unavailable) {
    if (!refused)
      unknown(intent);
    if (!outcome.decide)
      return;
  }
  const auto& d = *outcome.decide;
  auto first_sent_us = intent.at_us;
  if (!intent.request_id.empty()) {
    auto& r = repeats_[intent.request_id];
    r.replies.push_back({intent.at_us, outcome.at_us, outcome.digest, !d.shown.empty(), d.unavailable});
    first_sent_us = r.first_sent_us;
  }
  take_shown(intent, outcome, first_sent_us);
}

void history::take_shown(const ledger_intent& intent, const ledger_outcome& outcome, int64_t first_sent_us) {
  const auto& d = *outcome.decide;
  show s;
  s.user = name(intent.user);
  s.catalog = d.catalog;
  s.decision = digest_of(d.decision);
  s.earliest_ms = floor_ms(first_sent_us) - clock_error_ms_;
  s.latest_ms = ceil_ms(outcome.at_us) + clock_error_ms_;
  s.next_ms = d.next_ms.value_or(0);
  if (auto at = uuid_v7_ms(d.decision); at && *at >= s.earliest_ms && *at <= s.latest_ms) {
    s.earliest_ms = std::max(s.earliest_ms, *at - clock_error_ms_);
    s.latest_ms = std::min(s.latest_ms, *at + clock_error_ms_);
  }
  if (d.promises && d.next_ms)
    for (const auto& placement : intent.placements)
      promises_.push_back({s.user, name(placement), s.catalog, s.latest_ms, s.next_ms});
  for (const auto& shown : d.shown) {
    s.popup = name(shown.popup);
    s.placement = name(shown.placement);
    s.revision = shown.revision;
    auto [found, fresh] = show_of_.emplace(show_key(s), shows_.size());
    if (fresh)
      shows_.push_back(s);
    else
      shows_[found->second].latest_ms = std::min(shows_[found->second].latest_ms, s.latest_ms);
  }
}

void history::end(bool whole) {
  for (const auto& [number, intent] : open_)
    unknown(intent);
  open_.clear();
  killed_ += whole ? 0 : 1;
}

void history::finish() {
  for (const auto& [id, r] : repeats_) {
    bool shown = std::any_of(r.replies.begin(), r.replies.end(), [](const auto& one) { return one.shows; });
    if (shown || r.uncertain == 0)
      continue;
    ++uncertain_[r.user]; // however often it was sent, it charges once
    ++uncertain_all_;
  }
}

bool history::stored(std::string_view id) {
  auto dash = id.rfind('-');
  if (dash == std::string_view::npos)
    return false;
  auto found = file_of_.find(std::string{id.substr(0, dash)});
  uint64_t number = 0;
  auto digits = id.substr(dash + 1);
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (found == file_of_.end() || digits.empty() || error != std::errc{}
      || end != digits.data() + digits.size())
    return false;
  auto& marks = files_[found->second].marks;
  if (number >= marks.size() || (marks[number] & event_mark::sent) == 0)
    return false;
  marks[number] |= (marks[number] & event_mark::stored) != 0 ? event_mark::stored_twice : event_mark::stored;
  return true;
}

void history::forget_stored() {
  for (auto& file : files_)
    for (auto& m : file.marks)
      m = static_cast<uint8_t>(m & ~(event_mark::stored | event_mark::stored_twice));
}

} // namespace beckon::load
