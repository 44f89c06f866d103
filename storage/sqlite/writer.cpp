#include "storage/sqlite/writer.hpp"

#include "decision/hash.hpp"
#include "decision/user_state.hpp"

#include <utility>

namespace beckon::storage::sqlite {

/// A user whose state the events of one batch move.
struct job_writer::moved_user {
  decision::user_state state;
  bool stored = false;
  bool changed = false;
  bool unreadable = false;
};

/// What the events of one batch have in common: each user's state and each popup is looked up once.
struct job_writer::batch_moves {
  moved_users users;
  std::map<std::string_view, bool> popups; // whether it is, or was, in the catalogue
};

job_writer::job_writer(connection& db)
    : catalog_(db),
      erasures_(db),
      last_seq_(db.integer("SELECT max(coalesce((SELECT max(seq) FROM event), 0), "
                           "coalesce((SELECT max(last_seq) FROM erasure), 0))")),
      insert_state_(db, "INSERT INTO user_state(user, shard, version, next_eligible_at, state) "
                        "VALUES(?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"),
      update_state_(db, "UPDATE user_state SET version = ?, next_eligible_at = ?, state = ? "
                        "WHERE user = ? AND version = ?"),
      move_state_(db, "UPDATE user_state SET version = ?, state = ? WHERE user = ?"),
      load_state_(db, "SELECT state FROM user_state WHERE user = ?"),
      find_popup_(db, "SELECT 1 FROM popup WHERE id = ?"),
      put_answer_(db, "INSERT INTO answer(user, request_id, at, body) VALUES(?, ?, ?, ?) "
                      "ON CONFLICT(user, request_id) DO UPDATE SET at = excluded.at, body = excluded.body"),
      insert_event_(db, "INSERT INTO event(seq, id, at, received_at, type, name, user, popup, variant, "
                        "decision_id, properties) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                        "ON CONFLICT(id) DO NOTHING"),
      insert_stat_user_(db, "INSERT INTO stat_user(user, popup, variant, kind, n) VALUES(?, ?, ?, ?, 1) "
                            "ON CONFLICT DO NOTHING"),
      grow_stat_user_(
          db, "UPDATE stat_user SET n = n + 1 WHERE user = ? AND popup = ? AND variant = ? AND kind = ?"),
      add_stat_(db,
                "INSERT INTO stat(popup, variant, kind, total, users) VALUES(?, ?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET total = total + excluded.total, users = users + excluded.users"),
      put_profile_(
          db, "INSERT INTO user_profile(user, shard, attributes, updated_at) VALUES(?, ?, ?, ?) "
              "ON CONFLICT DO UPDATE SET attributes = excluded.attributes, updated_at = excluded.updated_at"),
      list_stat_user_(db, "SELECT popup, variant, kind, n FROM stat_user WHERE user = ?"),
      erase_stat_user_(db, "DELETE FROM stat_user WHERE user = ?"),
      erase_state_(db, "DELETE FROM user_state WHERE user = ?"),
      erase_profile_(db, "DELETE FROM user_profile WHERE user = ?"),
      erase_answers_(db, "DELETE FROM answer WHERE user = ?"),
      prune_answers_(db, "DELETE FROM answer WHERE seq IN "
                         "(SELECT seq FROM answer WHERE at < ? ORDER BY at LIMIT ?)"),
      touch_(db, "UPDATE meta SET pings = pings + 1") {}

std::vector<write_outcome> job_writer::run(const std::vector<write_job>& jobs) {
  counters_.clear();
  std::vector<write_outcome> outcomes;
  outcomes.reserve(jobs.size());
  for (const auto& job : jobs)
    outcomes.push_back(std::visit([this](const auto& j) { return apply(j); }, job));
  flush_counters();
  return outcomes;
}

// -- claims ---------------------------------------------------------------------------------------

write_outcome job_writer::apply(const claim_write& job) {
  write_outcome out;
  // The version is compared and the row written in one descent of the tree.
  auto written =
      job.expected_version == 0
          ? insert_state_.run(job.user, job.shard, job.version, job.next_eligible_ms, blob_view{job.state})
          : update_state_.run(job.version, job.next_eligible_ms, blob_view{job.state}, job.user,
                              job.expected_version);
  if (written == 0) {
    out.status = write_status::conflict;
    return out;
  }
  if (job.answer)
    put_answer_.run(job.user, job.answer->request_id, job.answer->at_ms, job.answer->body);
  for (const auto& shown : job.shown)
    count(job.user, shown.popup, shown.variant, counter_kind::show);
  return out;
}

write_outcome job_writer::apply(const answers_prune& job) {
  write_outcome out;
  out.affected = static_cast<uint32_t>(prune_answers_.run(job.before_ms, job.limit));
  return out;
}

// -- events ---------------------------------------------------------------------------------------

write_outcome job_writer::apply(const event_batch_write& job) {
  write_outcome out;
  batch_moves moves;
  for (const auto& e : job.events) {
    if (!insert_event(e)) {
      ++out.duplicates;
      continue;
    }
    if (counts(e))
      count(e.user, e.popup, e.variant, kind_of(e.type));
    if (moves_state(e.type) && popup_known(e, moves))
      move_state(e, moves);
  }
  for (auto& [user, m] : moves.users) {
    if (m.changed)
      store_moved(user, m, out);
    if (m.unreadable && out.unreadable_states++ == 0)
      out.unreadable_user = user;
  }
  return out;
}

bool job_writer::insert_event(const event_row& e) {
  if (insert_event_.run(last_seq_ + 1, e.id, e.at_ms, e.received_ms, static_cast<int>(kind_of(e.type)),
                        e.name, e.user, e.popup, e.variant, e.decision_id, e.properties)
      == 0)
    return false;
  ++last_seq_;
  return true;
}

/// An erased popup still has its row.
bool job_writer::popup_known(const event_row& e, batch_moves& moves) {
  auto [found, added] = moves.popups.emplace(e.popup, false);
  if (added)
    found->second = rows{find_popup_, e.popup}.next();
  return found->second;
}

void job_writer::move_state(const event_row& e, batch_moves& moves) {
  auto found = moves.users.find(e.user);
  if (found == moves.users.end())
    found = moves.users.emplace(e.user, load_moved(e.user)).first;
  auto& m = found->second;
  if (!m.unreadable && decision::apply_event(m.state, e.type, e.popup, e.at_ms, e.received_ms))
    m.changed = true;
}

job_writer::moved_user job_writer::load_moved(const std::string& user) {
  moved_user m;
  rows r{load_state_, user};
  if (!r.next())
    return m;
  m.stored = true;
  if (auto state = decision::decode_user_state(r.text(0)))
    m.state = std::move(*state);
  else
    m.unreadable = true;
  return m;
}

void job_writer::store_moved(std::string_view user, moved_user& m, write_outcome& out) {
  changed_user changed{std::string{user}, m.state.version, decision::encode(m.state)};
  // The transaction has held the write lock since before the state was read: nobody wrote in between, so no
  // version needs to be compared.
  if (m.stored)
    move_state_.run(m.state.version, blob_view{changed.state}, user);
  else
    insert_state_.run(user, decision::shard_of(user), m.state.version, m.state.next_eligible_ms,
                      blob_view{changed.state});
  out.changed.push_back(std::move(changed));
}

// -- users ----------------------------------------------------------------------------------------

write_outcome job_writer::apply(const profile_write& job) {
  put_profile_.run(job.user, job.shard, job.attributes, job.at_ms);
  return {};
}

write_outcome job_writer::apply(const user_erase& job) {
  bool found = uncount_user(job.user);
  for (auto* erase : {&erase_state_, &erase_profile_, &erase_answers_})
    found = erase->run(job.user) > 0 || found;
  return erasures_.begin(job, last_seq_, found);
}

// -- counters -------------------------------------------------------------------------------------

void job_writer::count(const std::string& user, const std::string& popup, const std::string& variant,
                       counter_kind kind) {
  auto number = static_cast<int>(kind);
  auto& change = counters_[counter_key{popup, variant, kind}];
  ++change.total;
  if (insert_stat_user_.run(user, popup, variant, number) != 0)
    ++change.users;
  else
    grow_stat_user_.run(user, popup, variant, number);
}

/// Takes what the user counted out of the counters. Whether there was anything.
bool job_writer::uncount_user(const std::string& user) {
  rows r{list_stat_user_, user};
  bool any = false;
  for (; r.next(); any = true) {
    counter_key key{std::string{r.text(0)}, std::string{r.text(1)}, static_cast<counter_kind>(r.integer(2))};
    auto& change = counters_[std::move(key)];
    change.total -= r.integer(3);
    --change.users;
  }
  if (any)
    erase_stat_user_.run(user);
  return any;
}

void job_writer::flush_counters() {
  for (const auto& [key, change] : counters_)
    if (change.total != 0 || change.users != 0)
      add_stat_.run(key.popup, key.variant, static_cast<int>(key.kind), change.total, change.users);
  counters_.clear();
}

} // namespace beckon::storage::sqlite
