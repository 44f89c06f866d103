#include "actors/work/writer.hpp"

#include <prometheus/histogram.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace beckon::actors {

const char* writer_state::name = "writer";

work_error to_work_error(const caf::error& e) {
  return {work_error::kind::store, storage::code_of(e), storage::describe(e)};
}

namespace {

/// Whether the store is well, and only this write is not.
bool concerns_one_job(const work_error& why) {
  return why.code == storage::errc::rejected || why.code == storage::errc::corrupt;
}

} // namespace

caf::error writer_state::connect() {
  if (session)
    return {};
  auto opened = open();
  if (!opened)
    return std::move(opened.error());
  session = std::move(*opened);
  return {};
}

bool writer_state::commit(const std::vector<storage::write_job>& jobs,
                          std::vector<storage::write_outcome>& outcomes, work_error& why) {
  auto started = std::chrono::steady_clock::now();
  auto written = session->write(jobs);
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  metrics->group_seconds->Observe(took.count());
  if (!written) {
    why = to_work_error(written.error());
    return false;
  }
  outcomes = std::move(*written);
  return true;
}

bool writer_state::commit_one(const storage::write_job& job, storage::write_outcome& outcome,
                              work_error& why) {
  std::vector<storage::write_outcome> one;
  if (!commit({job}, one, why))
    return false;
  outcome = std::move(one.front());
  why = outcome.error ? to_work_error(outcome.error) : work_error{};
  return why.ok();
}

// One job that the store refuses must not take the others of its group with it.
void writer_state::commit_singly(const std::vector<storage::write_job>& jobs, write_batch_result& result) {
  result.errors.assign(jobs.size(), work_error{});
  result.outcomes.assign(jobs.size(), storage::write_outcome{});
  for (size_t i = 0; i < jobs.size(); ++i)
    commit_one(jobs[i], result.outcomes[i], result.errors[i]);
}

write_batch_result_ptr writer_state::run(const write_batch& batch) {
  auto result = std::make_shared<write_batch_result>();
  result->lane = batch.lane;
  auto fail = [&](const work_error& why) {
    // An empty batch is a check of health: its error still has to be told.
    result->errors.assign(std::max<size_t>(batch.jobs.size(), 1), why);
    return result;
  };
  if (auto err = connect())
    return fail(to_work_error(err));
  if (batch.jobs.empty()) {
    if (auto err = session->ping())
      return fail(to_work_error(err));
    return result;
  }
  work_error why;
  if (commit(batch.jobs, result->outcomes, why)) {
    settle_failed(batch, *result);
    return result;
  }
  if (concerns_one_job(why) && batch.jobs.size() > 1) {
    commit_singly(batch.jobs, *result);
    return result;
  }
  return fail(why);
}

// A store of several databases tells of each job whether its database failed. A job that is refused may have
// taken the others of its database with it, so each of these is tried alone.
void writer_state::settle_failed(const write_batch& batch, write_batch_result& result) {
  auto failed = [](const storage::write_outcome& o) { return static_cast<bool>(o.error); };
  if (std::none_of(result.outcomes.begin(), result.outcomes.end(), failed))
    return;
  result.only_parts_failed = true;
  result.errors.assign(batch.jobs.size(), work_error{});
  for (size_t i = 0; i < batch.jobs.size(); ++i) {
    auto& outcome = result.outcomes[i];
    auto& why = result.errors[i];
    if (!failed(outcome))
      continue;
    why = to_work_error(outcome.error);
    if (concerns_one_job(why) && batch.jobs.size() > 1)
      commit_one(batch.jobs[i], outcome, why);
  }
}

session_opener writes_to(storage::store_ptr store) {
  return [store = std::move(store)]() -> caf::expected<std::unique_ptr<storage::write_session>> {
    auto opened = store->open_writer();
    if (!opened)
      return std::move(opened.error());
    return std::unique_ptr<storage::write_session>{std::move(*opened)};
  };
}

writer_actor::behavior_type writer(writer_actor::stateful_pointer<writer_state> self, session_opener open,
                                   write_pool_metrics* metrics) {
  self->state.open = std::move(open);
  self->state.metrics = metrics;
  return {
      [self](write_atom, const write_batch_ptr& batch) { return self->state.run(*batch); },
  };
}

} // namespace beckon::actors
