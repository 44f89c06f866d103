#include "actors/work/reader.hpp"

#include "actors/work/writer.hpp"

#include <prometheus/counter.h>

#include <utility>

namespace beckon::actors {

const char* reader_state::name = "reader";

namespace {

template <class T>
void settle(read_result& out, caf::expected<T> got) {
  if (got)
    out.value = std::move(*got);
  else
    out.error = to_work_error(got.error());
}

/// Every job but the loads of users, which go together.
struct single_read {
  storage::session& session;
  read_result& out;

  void operator()(const load_users_job&) const {}
  void operator()(const load_answer_job& j) const {
    settle(out, session.load_answer(j.user, j.request_id, j.not_before_ms));
  }
  void operator()(const load_catalog_job& j) const {
    if (j.unless) {
      auto version = session.load_catalog_version();
      if (!version || *version == *j.unless) {
        if (!version)
          out.error = to_work_error(version.error());
        return;
      }
    }
    settle(out, session.load_catalog());
  }
  void operator()(const load_stats_job& j) const { settle(out, session.load_stats(j.popup)); }
  void operator()(const load_erasures_job& j) const { settle(out, session.load_erasures(j.after, j.limit)); }
  void operator()(const load_events_job& j) const {
    settle(out, session.load_events(j.filter, j.from, j.limit));
  }
};

} // namespace

void reader_state::load_users(const read_batch& batch, read_report& report) {
  std::vector<std::string> users;
  std::vector<size_t> places;
  for (size_t i = 0; i < batch.jobs.size(); ++i) {
    if (const auto* job = std::get_if<load_users_job>(&batch.jobs[i])) {
      users.push_back(job->user);
      places.push_back(i);
    }
  }
  if (users.empty())
    return;
  auto rows = session->load_users(users);
  for (size_t k = 0; k < places.size(); ++k) {
    auto& out = *report.results[places[k]];
    if (!rows)
      out.error = to_work_error(rows.error());
    else if ((*rows)[k].error)
      out.error = to_work_error((*rows)[k].error);
    else
      out.value = std::move((*rows)[k]);
  }
}

read_report_ptr reader_state::run(const read_batch& batch) {
  auto report = std::make_shared<read_report>();
  report->lane = batch.lane;
  for (size_t i = 0; i < batch.jobs.size(); ++i)
    report->results.push_back(std::make_shared<read_result>());
  if (auto err = connect()) {
    for (auto& r : report->results)
      r->error = to_work_error(err);
  } else {
    load_users(batch, *report);
    for (size_t i = 0; i < batch.jobs.size(); ++i)
      std::visit(single_read{*session, *report->results[i]}, batch.jobs[i]);
  }
  for (const auto& r : report->results)
    if (!r->error.ok())
      metrics->failures->Increment();
  return report;
}

caf::error reader_state::connect() {
  if (session)
    return {};
  auto opened = store->open_reader();
  if (!opened)
    return std::move(opened.error());
  session = std::move(*opened);
  return {};
}

reader_actor::behavior_type reader(reader_actor::stateful_pointer<reader_state> self,
                                   storage::store_ptr store, work_pool_metrics* metrics) {
  self->state.store = std::move(store);
  self->state.metrics = metrics;
  return {
      [self](const work_batch_ptr<read_job>& batch) { return self->state.run(*batch); },
  };
}

} // namespace beckon::actors
