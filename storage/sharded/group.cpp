#include "storage/sharded/group.hpp"

#include "decision/hash.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

namespace beckon::storage::sharded {

namespace {

/// Jobs for one database.
struct part {
  std::vector<write_job> jobs;
  std::vector<size_t> owners; // the index of the job each belongs to
};

/// The result of one job so far, over all its parts.
struct tally {
  bool something_done = false;
  caf::error failed; // its most serious failure
};

bool only_refused(const caf::error& e) {
  return code_of(e) == errc::rejected || code_of(e) == errc::corrupt;
}

/// Which of two failures a job's client must see: an unknown outcome before a temporary error, and that
/// before a permanent one.
int gravity(const caf::error& e) {
  if (!e)
    return 0;
  if (only_refused(e))
    return 1;
  return code_of(e) == errc::unknown_outcome ? 3 : 2;
}

void add(write_outcome& to, write_outcome&& more) {
  if (more.status != write_status::done)
    to.status = more.status;
  to.revision = std::max(to.revision, more.revision);
  to.catalog_version = std::max(to.catalog_version, more.catalog_version);
  to.existed = to.existed || more.existed;
  to.duplicates += more.duplicates;
  to.affected += more.affected;
  to.more = to.more || more.more;
  to.unreadable_states += more.unreadable_states;
  if (to.unreadable_user.empty())
    to.unreadable_user = std::move(more.unreadable_user);
  std::move(more.changed.begin(), more.changed.end(), std::back_inserter(to.changed));
}

/// Executes one group.
class group_router {
 public:
  group_router(session& catalog, sessions& users, const std::vector<write_job>& jobs)
      : catalog_(catalog),
        users_(users),
        jobs_(jobs),
        parts_(users.size()),
        outcomes_(jobs.size()),
        tallies_(jobs.size()) {}

  std::vector<write_outcome> run() {
    for (size_t i = 0; i < jobs_.size(); ++i)
      std::visit([this, i](const auto& job) { route(i, job); }, jobs_[i]);
    flush_users();
    flush_catalog();
    settle();
    return std::move(outcomes_);
  }

 private:
  void route(size_t i, const claim_write& job) { to_users(place(job.user), i, job); }
  void route(size_t i, const profile_write& job) { to_users(place(job.user), i, job); }
  void route(size_t i, const user_erase& job) { to_users(place(job.user), i, job); }
  void route(size_t i, const erase_piece& job) { to_users(place(job.user), i, job); }
  void route(size_t i, const popup_write&) { to_catalog(i); }
  void route(size_t i, const popup_erase&) { to_catalog(i); }
  void route(size_t i, const settings_write&) { to_catalog(i); }

  void route(size_t i, const event_batch_write& job) {
    std::vector<event_batch_write> split(users_.size());
    for (const auto& e : job.events)
      split[place(e.user)].events.push_back(e);
    for (const auto& named : job.held)
      split[named.shard % users_.size()].held.push_back(named);
    for (size_t p = 0; p < split.size(); ++p)
      if (!split[p].events.empty())
        to_users(p, i, std::move(split[p]));
  }

  void route(size_t i, const popup_mark& job) {
    for (size_t p = 0; p < users_.size(); ++p)
      to_users(p, i, job);
  }

  void route(size_t i, const answers_prune& job) {
    auto databases = static_cast<uint32_t>(users_.size());
    auto share = job;
    share.limit = (job.limit + databases - 1) / databases;
    for (size_t p = 0; p < users_.size(); ++p)
      to_users(p, i, share);
  }

  size_t place(const std::string& user) const { return place_of(user, users_.size()); }

  void to_users(size_t p, size_t i, write_job job) {
    flush_catalog();
    parts_[p].jobs.push_back(std::move(job));
    parts_[p].owners.push_back(i);
  }

  void to_catalog(size_t i) {
    flush_users();
    catalog_part_.jobs.push_back(jobs_[i]);
    catalog_part_.owners.push_back(i);
  }

  void flush_users() {
    for (size_t p = 0; p < parts_.size(); ++p)
      write(*users_[p], std::exchange(parts_[p], {}));
  }

  /// One transaction, so that an import succeeds as a whole. New popups are registered first.
  void flush_catalog() {
    auto now = std::exchange(catalog_part_, {});
    if (now.jobs.empty())
      return;
    popup_mark news;
    for (const auto& job : now.jobs) {
      const auto* popup = std::get_if<popup_write>(&job);
      if (popup && !popup->must_exist && popup->expected_revision.value_or(0) == 0) {
        news.ids.push_back(popup->id);
        news.at_ms = popup->at_ms;
      }
    }
    if (auto err = make_known(catalog_, users_, news)) {
      for (auto i : now.owners)
        fail(i, err);
      return;
    }
    write(catalog_, std::move(now));
  }

  void write(session& to, part now) {
    if (now.jobs.empty())
      return;
    auto written = to.write(now.jobs);
    for (size_t k = 0; k < now.jobs.size(); ++k) {
      auto i = now.owners[k];
      if (!written) {
        fail(i, written.error());
        continue;
      }
      tallies_[i].something_done = true;
      add(outcomes_[i], std::move((*written)[k]));
    }
  }

  void fail(size_t i, const caf::error& err) {
    auto& t = tallies_[i];
    if (gravity(err) > gravity(t.failed))
      t.failed = err;
  }

  /// If one part of a job was stored and another may still be, the outcome is unknown; repeating the job
  /// completes it.
  void settle() {
    for (size_t i = 0; i < outcomes_.size(); ++i) {
      const auto& t = tallies_[i];
      if (t.something_done && gravity(t.failed) == 2)
        outcomes_[i].error = make_error(errc::unknown_outcome,
                                        "a part was stored, and the rest was not: " + describe(t.failed));
      else
        outcomes_[i].error = t.failed;
    }
  }

  session& catalog_;
  sessions& users_;
  const std::vector<write_job>& jobs_;
  std::vector<part> parts_;
  part catalog_part_;
  std::vector<write_outcome> outcomes_;
  std::vector<tally> tallies_;
};

} // namespace

size_t place_of(const std::string& user, size_t databases) {
  return decision::shard_of(user) % databases;
}

caf::error make_known(session& catalog, sessions& users, const popup_mark& popups) {
  if (popups.ids.empty())
    return {};
  for (auto& s : users) {
    if (s.get() == &catalog)
      continue;
    if (auto written = s->write({popups}); !written)
      return std::move(written.error());
  }
  return {};
}

std::vector<write_outcome> write_group(session& catalog, sessions& users,
                                       const std::vector<write_job>& jobs) {
  return group_router{catalog, users, jobs}.run();
}

} // namespace beckon::storage::sharded
