#include "storage/mysql/group.hpp"

#include "decision/hash.hpp"

#include <set>

namespace beckon::storage::mysql {

namespace {

constexpr size_t event_columns = 10;

void add_event(values& to, const event_row& e) {
  to.insert(to.end(), {value(e.id), value(e.at_ms), value(e.received_ms),
                       value(static_cast<int>(kind_of(e.type))), value(e.name), value(e.user), value(e.popup),
                       value(e.variant), value(e.decision_id), value(e.properties)});
}

/// Another writer came between our read and our write, so our decision is outdated.
[[noreturn]] void start_anew(const connection& db, const char* what) {
  throw failure(make_error(errc::unavailable, db.name() + ": another writer stored the same " + what
                                                  + " each time; nothing was changed"),
                consequence::retry);
}

} // namespace

group_writer::group_writer(connection& db, counter_sheet& counters)
    : db_(db),
      counters_(counters),
      find_popups_(db, "SELECT id FROM popup FORCE INDEX(PRIMARY) WHERE id IN (", "?", ", ", ")"),
      // Force the index: otherwise a small table is read, and locked, completely.
      lock_states_(db,
                   "SELECT user, version, next_eligible_at, state FROM user_state FORCE INDEX(PRIMARY) "
                   "WHERE user IN (",
                   "?", ", ", ") ORDER BY user FOR UPDATE"),
      insert_states_(db, "INSERT INTO user_state(user, shard, version, next_eligible_at, state) VALUES ",
                     "(?, ?, ?, ?, ?)"),
      update_states_(db, "INSERT INTO user_state(user, shard, version, next_eligible_at, state) VALUES ",
                     "(?, ?, ?, ?, ?)",
                     "ON DUPLICATE KEY UPDATE version = VALUES(version), "
                     "next_eligible_at = VALUES(next_eligible_at), state = VALUES(state)"),
      insert_events_(db,
                     "INSERT INTO event(id, at, received_at, type, name, user, popup, variant, decision_id, "
                     "properties) VALUES ",
                     "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      find_events_(db, "SELECT id FROM event FORCE INDEX(event_by_id) WHERE id IN (", "?", ", ", ")"),
      insert_answers_(db, "INSERT INTO answer(user, request_id, at, body) VALUES ", "(?, ?, ?, ?)"),
      put_answers_(db, "INSERT INTO answer(user, request_id, at, body) VALUES ", "(?, ?, ?, ?)",
                   "ON DUPLICATE KEY UPDATE at = VALUES(at), body = VALUES(body)"),
      put_profiles_(
          db, "INSERT INTO user_profile(user, shard, attributes, updated_at) VALUES ", "(?, ?, ?, ?)",
          "ON DUPLICATE KEY UPDATE attributes = VALUES(attributes), updated_at = VALUES(updated_at)"),
      add_user_counts_(db, "INSERT INTO stat_user(user, popup, variant, kind, n) VALUES ", "(?, ?, ?, ?, ?)",
                       "ON DUPLICATE KEY UPDATE n = n + VALUES(n)"),
      // Use a join, not a list of ORs: with ORs the server compares each row with each.
      find_new_users_(
          db, "SELECT s.popup, s.variant, s.kind FROM (",
          "SELECT CAST(? AS BINARY) AS u, CAST(? AS BINARY) AS p, CAST(? AS BINARY) AS v, "
          "CAST(? AS SIGNED) AS k, CAST(? AS SIGNED) AS n",
          " UNION ALL ",
          ") AS w STRAIGHT_JOIN stat_user AS s FORCE INDEX(PRIMARY) ON s.user = w.u AND s.popup = w.p "
          "AND s.variant = w.v AND s.kind = w.k AND s.n = w.n") {}

bool group_writer::takes(const write_job& job) {
  return std::holds_alternative<claim_write>(job) || std::holds_alternative<event_batch_write>(job)
         || std::holds_alternative<profile_write>(job);
}

void group_writer::apply(const write_job* first, const write_job* last,
                         std::vector<write_outcome>& outcomes) {
  clear();
  find_popups(first, last);
  collect(first, last);
  lock_users();
  insert_events();
  for (const auto* job = first; job != last; ++job) {
    if (const auto* claim = std::get_if<claim_write>(job))
      outcomes.push_back(apply(*claim));
    else if (const auto* batch = std::get_if<event_batch_write>(job))
      outcomes.push_back(apply(*batch));
    else
      outcomes.push_back(apply(std::get<profile_write>(*job)));
  }
  store_states();
  store_answers();
  store_profiles();
  store_counts();
}

/// Clears the data of an earlier run, even a failed one: its views point into jobs that are gone.
void group_writer::clear() {
  popups_.clear();
  users_.clear();
  arrivals_.clear();
  arrival_of_.clear();
  answers_.clear();
  profiles_.clear();
  user_counts_.clear();
}

// -- what the jobs concern ------------------------------------------------------------------------

/// An erased popup still has its row.
void group_writer::find_popups(const write_job* first, const write_job* last) {
  for (const auto* job = first; job != last; ++job)
    if (const auto* batch = std::get_if<event_batch_write>(job))
      for (const auto& e : batch->events)
        if (moves_state(e.type))
          popups_.emplace(e.popup, false);
  values ids;
  ids.reserve(popups_.size());
  for (const auto& p : popups_)
    ids.emplace_back(p.first);
  find_popups_.run(ids, [this](const rows& r) { popups_.at(r.text(0)) = true; });
}

bool group_writer::may_move(const event_row& e) const {
  return moves_state(e.type) && popups_.at(e.popup);
}

void group_writer::collect(const write_job* first, const write_job* last) {
  for (const auto* job = first; job != last; ++job) {
    if (const auto* claim = std::get_if<claim_write>(job))
      users_[claim->user].shard = claim->shard;
    const auto* batch = std::get_if<event_batch_write>(job);
    if (!batch)
      continue;
    for (const auto& e : batch->events) {
      if (arrival_of_.emplace(e.id, arrivals_.size()).second)
        arrivals_.push_back({&e, true});
      if (may_move(e)) {
        auto added = users_.try_emplace(e.user);
        if (added.second)
          added.first->second.shard = static_cast<uint16_t>(decision::shard_of(e.user));
      }
    }
  }
}

/// Locks these users until the transaction ends. Users that are not stored cannot be locked; see
/// store_states().
void group_writer::lock_users() {
  values keys;
  keys.reserve(users_.size());
  for (const auto& u : users_)
    keys.emplace_back(u.first);
  lock_states_.run(keys, [this](const rows& r) {
    auto& entry = users_.at(r.text(0));
    entry.stored = true;
    entry.version = static_cast<uint64_t>(r.integer(1));
    entry.next_eligible_ms = r.integer(2);
    entry.bytes = r.text(3);
  });
}

// -- events ---------------------------------------------------------------------------------------

/// Nearly all events are new, so insert them directly and look for existing ids only on a conflict. Not
/// INSERT IGNORE, which would hide every other error as well.
void group_writer::insert_events() {
  values all;
  all.reserve(arrivals_.size() * event_columns);
  for (const auto& a : arrivals_)
    add_event(all, *a.event);
  insert_events_.run_new(all, [this](const row_batch::part& p) { insert_unknown(p); });
}

void group_writer::insert_unknown(const row_batch::part& part) {
  values ids;
  for (size_t i = 0; i < part.count; ++i)
    ids.emplace_back(arrivals_[part.first + i].event->id);
  find_events_.run(ids, [this](const rows& r) { arrivals_[arrival_of_.at(r.text(0))].fresh = false; });
  values unknown;
  for (size_t i = 0; i < part.count; ++i)
    if (arrivals_[part.first + i].fresh)
      add_event(unknown, *arrivals_[part.first + i].event);
  insert_events_.run_new(unknown, [this](const row_batch::part&) { start_anew(db_, "events"); });
}

// -- the jobs, in memory --------------------------------------------------------------------------

write_outcome group_writer::apply(const claim_write& job) {
  write_outcome out;
  auto& entry = users_.at(job.user);
  if (entry.version != job.expected_version) {
    out.status = write_status::conflict;
    return out;
  }
  entry.dirty = true;
  entry.version = job.version;
  entry.next_eligible_ms = job.next_eligible_ms;
  entry.bytes = job.state;
  entry.decoded.reset();
  entry.unreadable = false;
  if (job.answer)
    answers_[{job.user, job.answer->request_id}] = &*job.answer;
  for (const auto& shown : job.shown)
    count(job.user, shown.popup, shown.variant, counter_kind::show);
  return out;
}

write_outcome group_writer::apply(const event_batch_write& job) {
  write_outcome out;
  std::set<std::string_view> changed;
  std::set<std::string_view> unreadable;
  for (const auto& e : job.events) {
    auto& a = arrivals_[arrival_of_.at(e.id)];
    if (!a.fresh) {
      ++out.duplicates;
      continue;
    }
    a.fresh = false; // for all later ones
    if (counts(e))
      count(e.user, e.popup, e.variant, kind_of(e.type));
    if (!may_move(e))
      continue;
    if (auto* state = decoded(users_.at(e.user)); !state)
      unreadable.insert(e.user);
    else if (decision::apply_event(*state, e.type, e.popup, e.at_ms, e.received_ms))
      changed.insert(e.user);
  }
  out.unreadable_states = static_cast<uint32_t>(unreadable.size());
  if (!unreadable.empty())
    out.unreadable_user = *unreadable.begin();
  for (auto user : changed) {
    auto& entry = users_.at(user);
    entry.dirty = true;
    entry.version = entry.decoded->version;
    entry.next_eligible_ms = entry.decoded->next_eligible_ms;
    entry.bytes = decision::encode(*entry.decoded);
    out.changed.push_back({std::string{user}, entry.version, entry.bytes});
  }
  return out;
}

/// Null if the stored bytes are not a state.
decision::user_state* group_writer::decoded(user_entry& entry) {
  if (!entry.decoded && !entry.unreadable) {
    if (entry.stored || entry.dirty)
      entry.decoded = decision::decode_user_state(entry.bytes);
    else
      entry.decoded.emplace();
    entry.unreadable = !entry.decoded;
  }
  return entry.decoded ? &*entry.decoded : nullptr;
}

write_outcome group_writer::apply(const profile_write& job) {
  profiles_[job.user] = &job;
  return {};
}

void group_writer::count(std::string_view user, std::string_view popup, std::string_view variant,
                         counter_kind kind) {
  ++user_counts_[{user, popup, variant, kind}];
}

// -- what came of it ------------------------------------------------------------------------------

void group_writer::store_states() {
  values added;
  values updated;
  for (const auto& [user, entry] : users_)
    if (entry.dirty) {
      auto& to = entry.stored ? updated : added;
      to.insert(to.end(), {value(user), value(entry.shard), value(entry.version),
                           value(entry.next_eligible_ms), value(entry.bytes)});
    }
  update_states_.run(updated);
  // A row that was missing when we looked may exist by now.
  insert_states_.run_new(added, [this](const row_batch::part&) { start_anew(db_, "user"); });
}

void group_writer::store_answers() {
  values all;
  for (const auto& [key, answer] : answers_)
    all.insert(all.end(), {value(key.first), value(key.second), value(answer->at_ms), value(answer->body)});
  // A request id repeated after its time is rare, and a statement that handles it would make all other
  // writers wait for its AUTO_INCREMENT numbers.
  insert_answers_.run_new(all, [this](const row_batch::part& p) { put_answers_.run(p); });
}

void group_writer::store_profiles() {
  values all;
  for (const auto& [user, p] : profiles_)
    all.insert(all.end(), {value(user), value(p->shard), value(p->attributes), value(p->at_ms)});
  put_profiles_.run(all);
}

void group_writer::store_counts() {
  values all;
  all.reserve(user_counts_.size() * 5);
  for (const auto& [key, n] : user_counts_) {
    counters_[{std::string{key.popup}, std::string{key.variant}, key.kind}].total += n;
    all.insert(all.end(), {value(key.user), value(key.popup), value(key.variant),
                           value(static_cast<int>(key.kind)), value(n)});
  }
  add_user_counts_.run(all, [this](const row_batch::part& p) { add_new_users(p); });
}

/// How many users were not counted before. An inserted row counts as one affected row, an updated one as two.
/// If a statement did both, the rows that now hold no more than was added are the new ones. They are locked,
/// so this cannot change meanwhile.
void group_writer::add_new_users(const row_batch::part& part) {
  constexpr size_t columns = 5;
  auto updated = part.affected - static_cast<int64_t>(part.count);
  if (updated == static_cast<int64_t>(part.count))
    return;
  if (updated == 0) {
    for (size_t i = 0; i < part.count; ++i) {
      const auto* row = part.arguments + i * columns;
      auto kind = static_cast<counter_kind>(row[3].number());
      ++counters_[{std::string{row[1].bytes()}, std::string{row[2].bytes()}, kind}].users;
    }
    return;
  }
  find_new_users_.run(part.arguments, part.count * columns, [this](const rows& r) {
    auto kind = static_cast<counter_kind>(r.integer(2));
    ++counters_[{std::string{r.text(0)}, std::string{r.text(1)}, kind}].users;
  });
}

} // namespace beckon::storage::mysql
