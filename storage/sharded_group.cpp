#include "storage/sharded_group.hpp"

#include "decision/hash.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

namespace beckon::storage::sharded {

namespace {

/// Jobs about users that are on their way to one database.
struct part {
  std::vector<write_job> jobs;
  std::vector<size_t> owners; // the index of the job that each belongs to
};

/// What has come of one job so far, of all its parts.
struct tally {
  size_t parts = 0;
  size_t failed = 0;
};

void add(write_outcome& to, write_outcome&& more) {
  if (more.status != write_status::done)
    to.status = more.status;
  to.duplicates += more.duplicates;
  to.affected += more.affected;
  to.unreadable_states += more.unreadable_states;
  if (to.unreadable_user.empty())
    to.unreadable_user = std::move(more.unreadable_user);
  std::move(more.changed.begin(), more.changed.end(), std::back_inserter(to.changed));
}

/// Works through one group.
class group_router {
 public:
  group_router(session& catalog, sessions& users, const std::vector<write_job>& jobs)
      : catalog_(catalog), users_(users), jobs_(jobs), parts_(users.size()), outcomes_(jobs.size()), tallies_(jobs.size()) {}

  caf::expected<std::vector<write_outcome>> run() {
    for (size_t i = 0; i < jobs_.size(); ++i)
      std::visit([this, i](const auto& job) { route(i, job); }, jobs_[i]);
    flush();
    return settled();
  }

 private:
  void route(size_t i, const claim_write& job) { send(place(job.user), i, job); }
  void route(size_t i, const profile_write& job) { send(place(job.user), i, job); }
  void route(size_t i, const user_erase& job) { send(place(job.user), i, job); }

  void route(size_t i, const event_batch_write& job) {
    std::vector<event_batch_write> split(users_.size());
    for (const auto& e : job.events)
      split[place(e.user)].events.push_back(e);
    for (size_t p = 0; p < split.size(); ++p)
      if (!split[p].events.empty())
        send(p, i, std::move(split[p]));
  }

  void route(size_t i, const answers_prune& job) {
    auto share = job;
    share.limit = std::max<uint32_t>(1, job.limit / static_cast<uint32_t>(users_.size()));
    for (size_t p = 0; p < users_.size(); ++p)
      send(p, i, share);
  }

  void route(size_t i, const popup_write& job) {
    flush();
    auto may_create = !job.must_exist && job.expected_revision.value_or(0) == 0;
    if (may_create) {
      if (auto err = make_known(job)) {
        ++tallies_[i].parts;
        return fail(i, err);
      }
    }
    alone(i);
  }
  void route(size_t i, const popup_erase&) {
    flush();
    alone(i);
  }
  void route(size_t i, const settings_write&) {
    flush();
    alone(i);
  }

  size_t place(const std::string& user) const { return place_of(user, users_.size()); }

  void send(size_t p, size_t i, write_job job) {
    ++tallies_[i].parts;
    parts_[p].jobs.push_back(std::move(job));
    parts_[p].owners.push_back(i);
  }

  void fail(size_t i, const caf::error& err) {
    ++tallies_[i].failed;
    outcomes_[i].error = err;
  }

  void alone(size_t i) {
    ++tallies_[i].parts;
    auto written = catalog_.write({jobs_[i]});
    if (written)
      outcomes_[i] = std::move(written->front());
    else
      fail(i, written.error());
  }

  /// A popup that is erased as soon as it is made: all that events need to find. One that is there already stays
  /// as it is, by the revision that is asked for.
  caf::error make_known(const popup_write& job) {
    for (auto& s : users_) {
      if (s.get() == &catalog_)
        continue;
      popup_write first{job.id, 0, "{}", job.at_ms};
      auto written = s->write({first, popup_erase{job.id, {}, job.at_ms}});
      if (!written)
        return written.error();
    }
    return {};
  }

  void flush() {
    for (size_t p = 0; p < parts_.size(); ++p) {
      auto now = std::exchange(parts_[p], {});
      if (now.jobs.empty())
        continue;
      auto written = users_[p]->write(now.jobs);
      for (size_t k = 0; k < now.jobs.size(); ++k) {
        if (written)
          add(outcomes_[now.owners[k]], std::move((*written)[k]));
        else
          fail(now.owners[k], written.error());
      }
    }
  }

  /// An error of all is the error of the group, as from a single store.
  caf::expected<std::vector<write_outcome>> settled() {
    size_t lost = 0;
    const caf::error* last = nullptr;
    for (size_t i = 0; i < outcomes_.size(); ++i) {
      const auto& t = tallies_[i];
      if (t.failed == 0)
        continue;
      if (t.failed < t.parts)
        outcomes_[i].error = make_error(errc::unknown_outcome, "a part was stored, and for the rest: "
                                                                   + describe(outcomes_[i].error));
      ++lost;
      last = &outcomes_[i].error;
    }
    if (last && lost == outcomes_.size() && code_of(*last) != errc::unknown_outcome)
      return *last;
    return std::move(outcomes_);
  }

  session& catalog_;
  sessions& users_;
  const std::vector<write_job>& jobs_;
  std::vector<part> parts_;
  std::vector<write_outcome> outcomes_;
  std::vector<tally> tallies_;
};

} // namespace

size_t place_of(const std::string& user, size_t databases) {
  return decision::shard_of(user) % databases;
}

caf::expected<std::vector<write_outcome>> write_group(session& catalog, sessions& users,
                                                      const std::vector<write_job>& jobs) {
  return group_router{catalog, users, jobs}.run();
}

} // namespace beckon::storage::sharded
