#include "tests/support/memory_tables.hpp"

#include "decision/user_state.hpp"
#include "storage/fence.hpp"

#include <algorithm>
#include <limits>

namespace beckon::storage {

namespace {

write_outcome refused(write_status status, uint64_t revision = 0) {
  write_outcome out;
  out.status = status;
  out.revision = revision;
  return out;
}

bool passes(const event_row& e, const event_filter& f) {
  return (f.user.empty() || e.user == f.user) && (f.popup.empty() || e.popup == f.popup)
         && (!f.type || e.type == *f.type);
}

} // namespace

// -- writes ---------------------------------------------------------------------------------------

std::vector<write_outcome> memory_tables::write(const std::vector<write_job>& jobs) {
  std::vector<write_outcome> outcomes;
  outcomes.reserve(jobs.size());
  for (const auto& job : jobs) {
    bool ours = fences_hold(job, [this](const shard_fence& named) { return cluster.holds(named); });
    outcomes.push_back(ours ? std::visit([this](const auto& j) { return apply(j); }, job)
                            : refused(write_status::fenced));
  }
  return outcomes;
}

write_outcome memory_tables::apply(const claim_write& job) {
  auto found = states_.find(job.user);
  auto stored = found == states_.end() ? 0 : found->second.version;
  if (stored != job.expected_version)
    return refused(write_status::conflict);
  states_[job.user] = {job.version, job.state};
  if (job.answer)
    answers_[{job.user, job.answer->request_id}] = {job.answer->at_ms, job.answer->body};
  for (const auto& shown : job.shown)
    count(job.user, {shown.popup, shown.variant, counter_kind::show});
  return {};
}

write_outcome memory_tables::apply(const event_batch_write& job) {
  write_outcome out;
  std::set<std::string> changed;
  std::set<std::string> unreadable;
  for (const auto& e : job.events) {
    if (!event_ids_.insert(e.id).second) {
      ++out.duplicates;
      continue;
    }
    events_.emplace(place{e.at_ms, ++last_seq_}, e);
    if (counts(e))
      count(e.user, {e.popup, e.variant, kind_of(e.type)});
    if (!moves_state(e.type) || popups_.count(e.popup) == 0)
      continue;
    auto moved = move_state(e);
    if (moved == move_result::changed)
      changed.insert(e.user);
    else if (moved == move_result::unreadable)
      unreadable.insert(e.user);
  }
  for (const auto& user : changed)
    out.changed.push_back({user, states_[user].version, states_[user].bytes});
  out.unreadable_states = static_cast<uint32_t>(unreadable.size());
  if (!unreadable.empty())
    out.unreadable_user = *unreadable.begin();
  return out;
}

memory_tables::move_result memory_tables::move_state(const event_row& e) {
  decision::user_state state;
  if (auto found = states_.find(e.user); found != states_.end()) {
    auto decoded = decision::decode_user_state(found->second.bytes);
    if (!decoded)
      return move_result::unreadable;
    state = std::move(*decoded);
  }
  if (!decision::apply_event(state, e.type, e.popup, e.at_ms, e.received_ms))
    return move_result::unchanged;
  states_[e.user] = {state.version, decision::encode(state)};
  return move_result::changed;
}

write_outcome memory_tables::apply(const profile_write& job) {
  profiles_[job.user] = job.attributes;
  return {};
}

struct memory_tables::erased_events {
  uint32_t seen = 0;
  uint32_t dropped = 0;
  place last;
};

write_outcome memory_tables::apply(const user_erase& job) {
  bool found = uncount(job.user);
  found = states_.erase(job.user) > 0 || found;
  found = profiles_.erase(job.user) > 0 || found;
  for (auto i = answers_.lower_bound({job.user, ""}); i != answers_.end() && i->first.first == job.user;
       found = true)
    i = answers_.erase(i);
  write_outcome out;
  constexpr place start{std::numeric_limits<int64_t>::min(), 0};
  if (auto marked = marks_.find(job.user); marked != marks_.end()) {
    marked->second = {job.shard, job.at_ms, last_seq_, start};
    out.more = true;
    return out;
  }
  auto erased = erase_events(job.user, start, last_seq_, job.limit);
  if (erased.seen == job.limit) {
    marks_[job.user] = {job.shard, job.at_ms, last_seq_, erased.last};
    out.more = true;
  }
  return found || erased.seen > 0 ? out : refused(write_status::not_found);
}

/// Looks at the user's next events, and drops those of the old life.
memory_tables::erased_events memory_tables::erase_events(const std::string& user, place from,
                                                         int64_t last_seq, uint32_t limit) {
  erased_events out;
  out.last = from;
  for (auto i = events_.upper_bound(from); i != events_.end() && out.seen < limit;) {
    if (i->second.user != user) {
      ++i;
      continue;
    }
    ++out.seen;
    out.last = i->first;
    if (i->first.second > last_seq) {
      ++i;
      continue;
    }
    ++out.dropped;
    event_ids_.erase(i->second.id);
    i = events_.erase(i);
  }
  return out;
}

write_outcome memory_tables::apply(const erase_piece& job) {
  auto marked = marks_.find(job.user);
  if (marked == marks_.end())
    return refused(write_status::not_found);
  auto erased = erase_events(job.user, marked->second.from, marked->second.last_seq, job.limit);
  write_outcome out;
  out.affected = erased.dropped;
  out.more = erased.seen == job.limit;
  if (out.more)
    marked->second.from = erased.last;
  else
    marks_.erase(marked);
  return out;
}

bool memory_tables::is_hidden(const event_row& e, int64_t seq) const {
  auto marked = marks_.find(e.user);
  return marked != marks_.end() && seq <= marked->second.last_seq;
}

write_outcome memory_tables::apply(const popup_write& job) {
  auto found = popups_.find(job.id);
  bool existed = found != popups_.end() && found->second.alive;
  auto stored = existed ? found->second.revision() : 0;
  if ((job.must_exist && !existed) || (job.expected_revision && *job.expected_revision != stored)) {
    auto out = refused(write_status::conflict, stored);
    out.existed = existed;
    return out;
  }
  auto& p = popups_[job.id];
  if (!existed)
    p.created_ms = job.at_ms;
  p.alive = true;
  p.document = job.document;
  p.updated_ms = job.at_ms;
  write_outcome out;
  out.existed = existed;
  out.revision = ++p.last_revision;
  out.catalog_version = ++catalog_version_;
  return out;
}

write_outcome memory_tables::apply(const popup_erase& job) {
  auto found = popups_.find(job.id);
  if (found == popups_.end() || !found->second.alive)
    return refused(write_status::not_found);
  auto& p = found->second;
  if (job.expected_revision && *job.expected_revision != p.revision())
    return refused(write_status::conflict, p.revision());
  p.alive = false;
  p.document.clear();
  p.updated_ms = job.at_ms;
  write_outcome out;
  out.revision = p.last_revision;
  out.catalog_version = ++catalog_version_;
  return out;
}

write_outcome memory_tables::apply(const settings_write& job) {
  if (job.expected_revision && *job.expected_revision != settings_revision_)
    return refused(write_status::conflict, settings_revision_);
  settings_ = job.document;
  write_outcome out;
  out.revision = ++settings_revision_;
  out.catalog_version = ++catalog_version_;
  return out;
}

write_outcome memory_tables::apply(const popup_mark& job) {
  for (const auto& id : job.ids)
    popups_.try_emplace(id);
  return {};
}

write_outcome memory_tables::apply(const answers_prune& job) {
  std::vector<std::pair<int64_t, std::pair<std::string, std::string>>> old;
  for (const auto& [key, answer] : answers_)
    if (answer.at_ms < job.before_ms)
      old.emplace_back(answer.at_ms, key);
  std::sort(old.begin(), old.end());
  if (old.size() > job.limit)
    old.resize(job.limit);
  for (const auto& o : old)
    answers_.erase(o.second);
  write_outcome out;
  out.affected = static_cast<uint32_t>(old.size());
  return out;
}

void memory_tables::count(const std::string& user, counter_key key) {
  auto n = ++user_counters_[user][key];
  auto& c = counters_[std::move(key)];
  ++c.total;
  if (n == 1)
    ++c.users;
}

bool memory_tables::uncount(const std::string& user) {
  auto found = user_counters_.find(user);
  if (found == user_counters_.end())
    return false;
  for (const auto& [key, n] : found->second) {
    auto& c = counters_[key];
    c.total -= n;
    --c.users;
  }
  user_counters_.erase(found);
  return true;
}

// -- reads ----------------------------------------------------------------------------------------

std::vector<user_row> memory_tables::load_users(const std::vector<std::string>& users) const {
  std::vector<user_row> out;
  for (const auto& user : users) {
    auto& row = out.emplace_back();
    row.user = user;
    if (auto s = states_.find(user); s != states_.end())
      row.state = s->second.bytes;
    if (auto p = profiles_.find(user); p != profiles_.end())
      row.attributes = p->second;
  }
  return out;
}

std::optional<std::string> memory_tables::load_answer(const std::string& user, const std::string& request_id,
                                                      int64_t not_before_ms) const {
  auto found = answers_.find({user, request_id});
  if (found == answers_.end() || found->second.at_ms < not_before_ms)
    return std::nullopt;
  return found->second.body;
}

std::vector<erasure_row> memory_tables::load_erasures(const std::string& after, uint32_t limit) const {
  std::vector<erasure_row> out;
  for (auto i = marks_.upper_bound(after); i != marks_.end() && out.size() < limit; ++i)
    out.push_back({i->first, i->second.shard, i->second.begun_ms});
  return out;
}

catalog_rows memory_tables::load_catalog() const {
  catalog_rows out;
  out.version = catalog_version_;
  for (const auto& [id, p] : popups_)
    if (p.alive)
      out.popups.push_back({id, p.last_revision, p.document, p.created_ms, p.updated_ms});
  out.settings = settings_;
  out.settings_revision = settings_revision_;
  return out;
}

std::vector<stat_row> memory_tables::load_stats(const std::string& popup) const {
  std::vector<stat_row> out;
  for (const auto& [key, c] : counters_)
    if (key.popup == popup && c.total > 0)
      out.push_back({key.variant, std::string{to_string(key.kind)}, static_cast<uint64_t>(c.total),
                     static_cast<uint64_t>(c.users)});
  std::sort(out.begin(), out.end(), listed_before);
  return out;
}

event_page memory_tables::load_events(const event_filter& filter, const event_cursor& from,
                                      uint32_t limit) const {
  event_page page;
  page.next = from;
  place start{from.at_ms, from.seq};
  if (filter.since_ms && *filter.since_ms > from.at_ms)
    start = {*filter.since_ms, std::numeric_limits<int64_t>::min()};
  auto until = filter.until_ms.value_or(std::numeric_limits<int64_t>::max());
  auto looks_left = event_rows_looked_at(limit);
  for (auto i = events_.upper_bound(start); i != events_.end() && i->first.first < until; ++i) {
    if (page.events.size() == limit || looks_left-- == 0)
      return page;
    page.next = {i->first.first, i->first.second};
    if (!passes(i->second, filter) || is_hidden(i->second, i->first.second))
      continue;
    page.events.push_back(i->second);
    page.events.back().seq = i->first.second;
  }
  page.last = true;
  return page;
}

} // namespace beckon::storage
