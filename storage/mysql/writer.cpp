#include "storage/mysql/writer.hpp"

namespace beckon::storage::mysql {

namespace {

/// Each connection adds to counters of its own, so that writers need not wait for one another.
constexpr uint64_t slots = 16;

/// One statement erases no more rows than this, so that it ends well within the time-outs.
constexpr int64_t rows_per_erase = 1000;

write_outcome fenced_off() {
  write_outcome out;
  out.status = write_status::fenced;
  return out;
}

std::string in_pieces(const char* sql) {
  return sql + std::string{" LIMIT "} + std::to_string(rows_per_erase);
}

} // namespace

job_writer::job_writer(connection& db)
    : slot_(static_cast<int64_t>(db.id() % slots)),
      fences_(db),
      group_(db, counters_),
      catalog_(db),
      erasures_(db),
      add_stats_(db, "INSERT INTO stat(popup, variant, kind, slot, total, users) VALUES ",
                 "(?, ?, ?, ?, ?, ?)",
                 "ON DUPLICATE KEY UPDATE total = total + VALUES(total), users = users + VALUES(users)"),
      lock_user_(db, "SELECT version FROM user_state WHERE user = ? FOR UPDATE"),
      list_stat_user_(db, "SELECT popup, variant, kind, n FROM stat_user WHERE user = ? FOR UPDATE"),
      erase_stat_user_(db, in_pieces("DELETE FROM stat_user WHERE user = ?")),
      erase_state_(db, in_pieces("DELETE FROM user_state WHERE user = ?")),
      erase_profile_(db, in_pieces("DELETE FROM user_profile WHERE user = ?")),
      erase_answers_(db, in_pieces("DELETE FROM answer WHERE user = ?")),
      prune_answers_(db, "DELETE FROM answer WHERE at < ? ORDER BY at, seq LIMIT ?"),
      touch_(db, "INSERT INTO ping(slot, n) VALUES(?, 1) ON DUPLICATE KEY UPDATE n = n + 1") {}

std::vector<write_outcome> job_writer::run(const std::vector<write_job>& jobs) {
  counters_.clear();
  // First of all, so that nobody else owns these shards before the transaction has ended.
  const auto fenced = fences_.fenced(jobs);
  const auto may_run = [&](size_t i) { return fenced.empty() || !fenced[i]; };
  std::vector<write_outcome> outcomes;
  outcomes.reserve(jobs.size());
  for (size_t i = 0; i < jobs.size();) {
    const auto first = i;
    while (i < jobs.size() && group_writer::takes(jobs[i]) && may_run(i))
      ++i;
    if (i != first) {
      group_.apply(jobs.data() + first, jobs.data() + i, outcomes);
      continue;
    }
    outcomes.push_back(may_run(i) ? apply_alone(jobs[i]) : fenced_off());
    ++i;
  }
  // Last of all: these rows are shared, and nobody else is to wait for them longer than the COMMIT takes.
  flush_counters();
  return outcomes;
}

write_outcome job_writer::apply_alone(const write_job& job) {
  struct visitor {
    job_writer& w;
    write_outcome operator()(const user_erase& j) const { return w.apply(j); }
    write_outcome operator()(const erase_piece& j) const { return w.erasures_.apply(j); }
    write_outcome operator()(const answers_prune& j) const { return w.apply(j); }
    write_outcome operator()(const popup_write& j) const { return w.catalog_.apply(j); }
    write_outcome operator()(const popup_erase& j) const { return w.catalog_.apply(j); }
    write_outcome operator()(const popup_mark& j) const { return w.catalog_.apply(j); }
    write_outcome operator()(const settings_write& j) const { return w.catalog_.apply(j); }
    write_outcome operator()(const claim_write& j) const { return in_group(j); }
    write_outcome operator()(const profile_write& j) const { return in_group(j); }
    write_outcome operator()(const event_batch_write& j) const { return in_group(j); }
    write_outcome in_group(const write_job& j) const {
      std::vector<write_outcome> out;
      w.group_.apply(&j, &j + 1, out);
      return std::move(out.front());
    }
  };
  return std::visit(visitor{*this}, job);
}

write_outcome job_writer::apply(const answers_prune& job) {
  write_outcome out;
  out.affected = static_cast<uint32_t>(prune_answers_.run(job.before_ms, job.limit));
  return out;
}

// -- erasing --------------------------------------------------------------------------------------

write_outcome job_writer::apply(const user_erase& job) {
  { rows first_what_claims_lock_first{lock_user_, job.user}; }
  bool found = uncount_user(job.user);
  for (auto* erase : {&erase_state_, &erase_profile_, &erase_answers_})
    found = erase_pieces(*erase, job.user) || found;
  return erasures_.begin(job, found);
}

bool job_writer::erase_pieces(statement& erase, const std::string& user) {
  auto erased = erase.run(user);
  bool any = erased > 0;
  while (erased == rows_per_erase)
    erased = erase.run(user);
  return any;
}

/// Takes what the user counted out of the counters. Whether there was anything.
bool job_writer::uncount_user(const std::string& user) {
  {
    rows r{list_stat_user_, user};
    while (r.next()) {
      counter_key key{std::string{r.text(0)}, std::string{r.text(1)},
                      static_cast<counter_kind>(r.integer(2))};
      auto& change = counters_[std::move(key)];
      change.total -= r.integer(3);
      --change.users;
    }
  }
  return erase_pieces(erase_stat_user_, user);
}

void job_writer::flush_counters() {
  values all;
  for (const auto& [key, change] : counters_)
    if (change.total != 0 || change.users != 0)
      all.insert(all.end(), {value(key.popup), value(key.variant), value(static_cast<int>(key.kind)),
                             value(slot_), value(change.total), value(change.users)});
  add_stats_.run(all);
  counters_.clear();
}

} // namespace beckon::storage::mysql
