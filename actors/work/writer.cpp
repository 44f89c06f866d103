#include "actors/work/writer.hpp"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>

#include <numeric>
#include <utility>

namespace beckon::actors {

const char* writer_state::name = "writer";

work_error to_work_error(const caf::error& e) {
  return {work_error::kind::store, storage::code_of(e), storage::describe(e)};
}

namespace {

/// Halves may each wait for a lock; no try begins later than this after the first, so that the lane is free
/// again within a bound.
constexpr std::chrono::seconds divide_max{10};

/// Whether the store is well for certain, and only this write is not.
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

caf::expected<std::vector<storage::write_outcome>>
writer_state::commit(const std::vector<storage::write_job>& jobs) {
  auto started = std::chrono::steady_clock::now();
  auto written = session->write(jobs);
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  metrics->group_seconds->Observe(took.count());
  if (!written)
    metrics->failures->Increment();
  return written;
}

write_report_ptr writer_state::run(const write_batch& batch) {
  auto report = std::make_shared<write_report>();
  report->lane = batch.lane;
  report->results.reserve(batch.jobs.size());
  for (size_t i = 0; i < batch.jobs.size(); ++i)
    report->results.push_back(std::make_shared<write_result>());
  if (auto err = connect()) {
    metrics->failures->Increment();
    report->store = to_work_error(err);
    for (auto& r : report->results)
      r->error = *report->store;
    return report;
  }
  if (batch.jobs.empty()) {
    auto err = session->ping();
    report->store = err ? to_work_error(err) : work_error{};
    return report;
  }
  places all(batch.jobs.size());
  std::iota(all.begin(), all.end(), size_t{0});
  divide_until_ = std::chrono::steady_clock::now() + divide_max;
  if (!settle(batch.jobs, all, commit(batch.jobs), *report))
    divide(batch.jobs, all, *report);
  return report;
}

/// Notes what became of the jobs at `which`. False when they failed together and are to be tried in halves.
bool writer_state::settle(const std::vector<storage::write_job>& jobs, const places& which,
                          caf::expected<std::vector<storage::write_outcome>> written, write_report& report) {
  if (!written) {
    auto why = to_work_error(written.error());
    for (auto i : which)
      report.results[i]->error = why;
    return !is_well(why, report) || which.size() == 1;
  }
  places refused;
  auto all_done = true;
  for (size_t k = 0; k < which.size(); ++k) {
    auto& result = *report.results[which[k]];
    auto& outcome = (*written)[k];
    result.error = outcome.error ? to_work_error(outcome.error) : work_error{};
    all_done = all_done && result.error.ok();
    if (!result.error.ok() && concerns_one_job(result.error))
      refused.push_back(which[k]);
    result.outcome = std::move(outcome);
  }
  if (all_done)
    report.store = work_error{};
  else
    metrics->failures->Increment(); // of one database; the store's warning says which
  // One of several databases refused its jobs together: each of them may be the cause.
  if (refused.size() == 1 && which.size() > 1)
    attempt(jobs, refused, report);
  else if (refused.size() > 1)
    divide(jobs, refused, report);
  return true;
}

/// Whether the store can be used although a transaction failed. A lock that was waited for in vain and a
/// connection that was lost look the same here, so the store is asked.
bool writer_state::is_well(const work_error& why, write_report& report) {
  if (concerns_one_job(why))
    return true;
  if (why.code == storage::errc::unavailable) {
    auto err = session->ping();
    if (!err) {
      report.store = work_error{};
      return true;
    }
    report.store = to_work_error(err);
    return false;
  }
  report.store = why;
  return false;
}

void writer_state::attempt(const std::vector<storage::write_job>& jobs, const places& which,
                           write_report& report) {
  if (which.empty())
    return;
  if (std::chrono::steady_clock::now() > divide_until_ || (report.store && !report.store->ok())) {
    // They were tried only together with others, so nothing is known against any of them: above all they must
    // not count as refused, for who is told so drops them.
    for (auto i : which)
      if (concerns_one_job(report.results[i]->error))
        report.results[i]->error = {
            work_error::kind::store, storage::errc::unavailable,
            "a job of the same group failed, and this one was not tried alone; nothing was "
            "changed"};
    return;
  }
  std::vector<storage::write_job> some;
  some.reserve(which.size());
  for (auto i : which)
    some.push_back(jobs[i]);
  if (!settle(jobs, which, commit(some), report))
    divide(jobs, which, report);
}

/// In their order, so that jobs of one key keep it.
void writer_state::divide(const std::vector<storage::write_job>& jobs, const places& which,
                          write_report& report) {
  auto middle = which.begin() + static_cast<std::ptrdiff_t>(which.size() / 2);
  attempt(jobs, {which.begin(), middle}, report);
  attempt(jobs, {middle, which.end()}, report);
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
                                   work_pool_metrics* metrics) {
  self->state.open = std::move(open);
  self->state.metrics = metrics;
  return {
      [self](const work_batch_ptr<storage::write_job>& batch) { return self->state.run(*batch); },
  };
}

} // namespace beckon::actors
